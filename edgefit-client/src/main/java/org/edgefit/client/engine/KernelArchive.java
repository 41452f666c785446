package org.edgefit.client.engine;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The TorchScript modules of the kernels, loaded once per JVM. Their source is {@code kernels.py}
 * with {@code cpu.py} for CPU-specific operators, or {@code device.py} on other devices, packed as
 * a TorchScript archive.
 */
final class KernelArchive {

  /** A pickled {@code __torch__.Kernels} with the state {@code {"training": False}}. */
  private static final byte[] DATA_PICKLE =
      concat(
          new byte[] {(byte) 0x80, 2},
          "c__torch__\nKernels\n)".getBytes(StandardCharsets.US_ASCII),
          new byte[] {(byte) 0x81, '}', '(', 'X', 8, 0, 0, 0},
          "training".getBytes(StandardCharsets.US_ASCII),
          new byte[] {(byte) 0x89, 'u', 'b', '.'});

  /** A pickled empty tuple. */
  private static final byte[] CONSTANTS_PICKLE = {(byte) 0x80, 2, ')', '.'};

  /** oneDNN multiplies float32 at 1.1 to 2.4 times the speed of the library's default. */
  private static final String ONE_DNN_PRODUCT =
      "ops.mkldnn._linear_pointwise(x, w, None, \"none\","
          + " annotate(List[Optional[number]], []), None)";

  private static final String PLAIN_PRODUCT = "torch.mm(x, torch.t(w))";

  /** The kernels of the CPU. */
  private static final class Cpu {
    static final PtSymbolBlock MODULE = load();

    private static PtSymbolBlock load() {
      String text = text("kernels.py") + text("cpu.py");
      try {
        return module(text);
      } catch (EngineException e) { // a library that was built without oneDNN
        return module(text.replace(ONE_DNN_PRODUCT, PLAIN_PRODUCT));
      }
    }
  }

  /** The kernels of all other devices. */
  private static final class Device {
    static final PtSymbolBlock MODULE = module(text("kernels.py") + text("device.py"));
  }

  private KernelArchive() {}

  /** Returns the kernels of the CPU, or those of all other devices. */
  static PtSymbolBlock module(boolean onCpu) {
    return onCpu ? Cpu.MODULE : Device.MODULE;
  }

  /** Returns a resource without its comments, which TorchScript's archives do not have. */
  private static String text(String resource) {
    try (InputStream stream = KernelArchive.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalStateException(resource + ": missing from this jar");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.stripLeading().startsWith("#"))
          .collect(Collectors.joining("\n", "", "\n"));
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  private static PtSymbolBlock module(String text) {
    try {
      byte[] archive = archive(text.getBytes(StandardCharsets.UTF_8));
      return JniUtils.loadModule(
          (PtNDManager) TorchEngine.root(), new ByteArrayInputStream(archive), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Packs the module's text: stored entries in one folder. */
  private static byte[] archive(byte[] text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "k/data.pkl", DATA_PICKLE);
      store(zip, "k/constants.pkl", CONSTANTS_PICKLE);
      store(zip, "k/version", "3\n".getBytes(StandardCharsets.US_ASCII));
      store(zip, "k/code/__torch__.py", text);
    }
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
