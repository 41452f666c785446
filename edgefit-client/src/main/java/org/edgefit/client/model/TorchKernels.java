package org.edgefit.client.model;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.edgefit.client.engine.OwnLoader;
import org.jspecify.annotations.Nullable;

/**
 * The arithmetic that DJL's arrays do not have, as a TorchScript module: its text is the resource
 * {@code kernels.py} and, for what the processor has operators of its own, {@code cpu.py}, or
 * {@code device.py} on any other device. It is packed into an archive and loaded once per JVM. A
 * kernel is called by its name; those whose name ends in {@code _} change their first argument in
 * place.
 *
 * <p>The system property {@code edgefit.portableKernels} (true) makes the CPU compute as another
 * device does, with {@code device.py} and without memory that Java shares: slower, and the way to
 * exercise that code where there is no other device.
 */
public final class TorchKernels {

  private static final boolean PORTABLE = Boolean.getBoolean("edgefit.portableKernels");

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

  private static final ThreadLocal<Boolean> THREAD_IS_READY = ThreadLocal.withInitial(() -> false);

  private static @Nullable NDManager root;

  /** The devices that have been used, which are therefore there. */
  private static final Set<Device> DEVICES = ConcurrentHashMap.newKeySet();

  /** Returns the owner of all managers; the first call loads the native library. */
  private static synchronized NDManager root() {
    if (root == null) {
      root = OwnLoader.loadEngine().newBaseManager(Device.cpu());
    }
    return root;
  }

  /** The kernels of the CPU. */
  private static final class CpuModule {
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
  private static final class DeviceModule {
    static final PtSymbolBlock MODULE = module(text("kernels.py") + text("device.py"));
  }

  private TorchKernels() {}

  /** Returns a new manager for arrays on the CPU; see {@link #newManager(Device)}. */
  public static NDManager newManager() {
    return newManager(Device.cpu());
  }

  /**
   * Returns a new manager for arrays on a device, and makes the calling thread ready to compute: no
   * graphs for gradients, and no optimisation at a kernel's first calls.
   *
   * @param device the CPU or a GPU
   * @throws IllegalArgumentException if the engine's library sees no such device
   * @throws IllegalStateException if the library does not load
   */
  public static NDManager newManager(Device device) {
    NDManager manager = root().newSubManager(device);
    if (!device.equals(Device.cpu()) && !DEVICES.contains(device)) {
      try {
        manager.zeros(new Shape(1)).close();
        DEVICES.add(device);
      } catch (EngineException e) {
        manager.close();
        throw new IllegalArgumentException(
            "device: "
                + device
                + " (expected: cpu(), or a GPU that the engine's library sees; PyTorch "
                + root().getEngine().getVersion()
                + " says: "
                + String.valueOf(e.getMessage()).replaceFirst("(?s)\\. .*", "")
                + ")",
            e);
      }
    }
    if (!THREAD_IS_READY.get()) {
      JniUtils.setGradMode(false);
      JniUtils.setGraphExecutorOptimize(false);
      THREAD_IS_READY.set(true);
    }
    return manager;
  }

  /**
   * Returns whether Java shares the memory of a manager's arrays, and kernels are the CPU's.
   * Elsewhere arrays are copies, and results are read back.
   */
  public static boolean sharesMemory(NDManager manager) {
    return !PORTABLE && manager.getDevice().equals(Device.cpu());
  }

  private static String text(String resource) {
    try (InputStream stream = TorchKernels.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalStateException(resource + ": not among this jar's resources");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  private static PtSymbolBlock module(String text) {
    try {
      byte[] archive = archive(text.getBytes(StandardCharsets.UTF_8));
      return JniUtils.loadModule(
          (PtNDManager) root(), new ByteArrayInputStream(archive), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sets how many threads one operation uses, for the whole JVM. */
  public static void setThreads(int threads) {
    int most = 16 * Runtime.getRuntime().availableProcessors();
    if (threads < 1 || threads > most) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: 1 to " + most + ")");
    }
    newManager().close();
    JniUtils.setNumThreads(threads);
  }

  /** Returns how many threads one operation uses. */
  public static int threads() {
    newManager().close();
    return JniUtils.getNumThreads();
  }

  /**
   * Calls a kernel that returns one array.
   *
   * @param manager the owner of the result
   * @param arguments arrays, of which the first says by its device whose kernel is called; and
   *     {@code Integer}, {@code Long}, {@code Double} or {@code Boolean} values
   */
  public static NDArray call(NDManager manager, String kernel, Object... arguments) {
    try (IValue result = run(kernel, arguments)) {
      return result.toTensor((PtNDManager) manager);
    }
  }

  /** Calls a kernel that returns several arrays. */
  public static NDArray[] callAll(NDManager manager, String kernel, Object... arguments) {
    try (IValue result = run(kernel, arguments)) {
      IValue[] parts = result.toIValueTuple();
      NDArray[] arrays = new NDArray[parts.length];
      for (int i = 0; i < parts.length; i++) {
        arrays[i] = parts[i].toTensor((PtNDManager) manager);
        parts[i].close();
      }
      return arrays;
    }
  }

  /** Waits until all that was asked of an array's device is done, which may go on meanwhile. */
  public static void await(NDArray array) {
    if (!array.getManager().getDevice().equals(Device.cpu())) {
      try (NDArray one = call(array.getManager(), "corner", array)) {
        one.toFloatArray();
      }
    }
  }

  /** Gives memory that is not in use back to a device, where the engine would keep it. */
  public static void trim(Device device) {
    if (device.isGpu()) {
      JniUtils.emptyCudaCache();
    }
  }

  /** Calls a kernel for its effect on its first argument. */
  public static void update(String kernel, Object... arguments) {
    run(kernel, arguments).close();
  }

  /**
   * Returns memory as an array, in a type that Java has no name for as well: on the CPU a view of
   * it, on another device a copy.
   *
   * @param memory direct, in native order; it must live as long as the array
   * @param shape of two dimensions where the type is not float32
   * @param torchCode torch's number of the type
   */
  static NDArray view(NDManager manager, ByteBuffer memory, Shape shape, int torchCode) {
    if (torchCode == ComputeType.FLOAT32.torchCode()) {
      return manager.create(memory, shape, DataType.FLOAT32);
    }
    NDArray bytes = manager.create(memory, new Shape(memory.remaining()), DataType.INT8);
    // The view shares the memory with the bytes; these must stay attached for as long.
    return call(
        manager,
        "view_as",
        bytes,
        torchCode,
        Math.toIntExact(shape.get(0)),
        Math.toIntExact(shape.get(1)));
  }

  /** The time that kernels took, in nanoseconds, and how often they ran; null while off. */
  private static volatile @Nullable Map<String, long[]> profile;

  /**
   * Starts to measure how long each kernel takes, in all threads; on the CPU, as it does it all.
   */
  public static void startProfile() {
    profile = new ConcurrentHashMap<>();
  }

  /**
   * Stops measuring.
   *
   * @return by kernel the nanoseconds in it and the calls; work in Java has names in brackets
   */
  public static Map<String, long[]> stopProfile() {
    Map<String, long[]> result = profile;
    profile = null;
    return result == null ? Map.of() : new TreeMap<>(result);
  }

  /** Returns when work in Java starts that a profile is to show. */
  public static long profileStart() {
    return profile == null ? 0 : System.nanoTime();
  }

  /** Adds work in Java to the profile. */
  public static void profileEnd(String name, long start) {
    Map<String, long[]> current = profile;
    if (current != null && start != 0) {
      long time = System.nanoTime() - start;
      current.merge(name, new long[] {time, 1}, (a, b) -> new long[] {a[0] + b[0], a[1] + b[1]});
    }
  }

  private static IValue run(String kernel, Object... arguments) {
    long start = profileStart();
    try {
      return execute(kernel, arguments);
    } finally {
      profileEnd(kernel, start);
    }
  }

  private static IValue execute(String kernel, Object... arguments) {
    IValue[] values = new IValue[arguments.length];
    try {
      for (int i = 0; i < arguments.length; i++) {
        values[i] = value(arguments[i]);
      }
      boolean isCpu = sharesMemory(((NDArray) arguments[0]).getManager());
      return IValueUtils.runMethod(isCpu ? CpuModule.MODULE : DeviceModule.MODULE, kernel, values);
    } finally {
      for (IValue value : values) {
        if (value != null) {
          value.close();
        }
      }
    }
  }

  private static IValue value(Object argument) {
    if (argument instanceof PtNDArray array) {
      return IValue.from(array);
    }
    if (argument instanceof Integer number) {
      return IValue.from((long) number);
    }
    if (argument instanceof Long number) {
      return IValue.from(number);
    }
    if (argument instanceof Boolean flag) {
      return IValue.from(flag.booleanValue());
    }
    if (argument instanceof Double number) {
      return IValue.from(number.doubleValue());
    }
    throw new IllegalArgumentException("kernel argument: " + argument);
  }

  /** Packs the module's text as TorchScript lays an archive out: stored entries in one folder. */
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
