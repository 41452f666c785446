package org.edgefit.client.engine;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.file.FileFault;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The C library's allocator, from which the arrays' memory comes. */
public final class NativeMemory {

  /** glibc's numbers of the allocator's settings. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;
  private static final int ARENA_MAX = -8;

  /** The system property that keeps the C library's settings as they are: false. */
  private static final String TUNED = "edgefit.tuneMemory";

  /** What JNA takes the folder of its library from. */
  private static final String JNA_FOLDER = "jna.boot.library.path";

  /** What JNA takes the folder from that it unpacks its library into, where that is not set. */
  private static final String JNA_UNPACKED = "jna.tmpdir";

  private static final Logger LOG = LoggerFactory.getLogger(NativeMemory.class);
  private static final boolean JNA = isJnaThere();
  private static final @Nullable Function TRIM = find("malloc_trim");
  private static final @Nullable Function MALLOPT = find("mallopt");

  private NativeMemory() {}

  private static boolean isJnaThere() {
    if (!Boolean.parseBoolean(System.getProperty(TUNED, "true"))) {
      return false;
    }
    Map<String, String> own = new TreeMap<>();
    try {
      if (System.getProperty(JNA_FOLDER) == null && System.getProperty(JNA_UNPACKED) == null) {
        // It would unpack each time, into a folder that the account may not have.
        own.put(JNA_FOLDER, folder().toString());
        own.put("jna.nounpack", "true");
      }
      own.forEach(System::setProperty);
      return Native.POINTER_SIZE > 0;
    } catch (VirtualMachineError e) {
      throw e;
    } catch (IOException | RuntimeException | Error e) { // JNA throws plain errors too
      Throwable cause = e.getCause() == null ? e : e.getCause();
      LOG.warn(
          "malloc is not tuned because JNA does not load ({}); training will use more memory",
          FileFault.message(cause).strip().replaceAll("\\s*\\n\\s*", " "));
      return false;
    } finally {
      own.keySet().forEach(System::clearProperty);
    }
  }

  /** Loads JNA, if it is there. */
  static void load() {}

  /** Returns the folder of JNA's library in the engine's cache. */
  private static Path folder() throws IOException {
    String name = System.mapLibraryName("jnidispatch").replace(".dylib", ".jnilib");
    String resource = "/com/sun/jna/" + Platform.RESOURCE_PREFIX + "/" + name;
    try (InputStream jar = Native.class.getResourceAsStream(resource)) {
      if (jar == null) {
        throw new IOException("its jar has no " + resource);
      }
      return EngineCache.ofProcess().jna(jar.readAllBytes(), name);
    }
  }

  private static @Nullable Function find(String name) {
    if (!JNA) {
      return null;
    }
    try {
      return NativeLibrary.getInstance("c").getFunction(name);
    } catch (UnsatisfiedLinkError e) {
      return null; // not glibc, which alone keeps so much that returning it is worth a call
    }
  }

  /**
   * Tunes malloc for arrays before the engine is loaded. Settings from the environment are kept.
   *
   * <ul>
   *   <li>One arena, which reuses freed memory instead of returning it to the OS and zeroing it at
   *       each operation; large arrays are returned, see {@link #giveBackArrays}.
   *   <li>Huge pages for large arrays, where the system offers them on request.
   *   <li>Idle OpenMP threads sleep soon: spinning ones compete with the threads that dequantise
   *       weights, and with other processes.
   * </ul>
   */
  static void configure() {
    Function setenv = find("setenv");
    if (setenv != null) {
      setenv.invokeInt(new Object[] {"THP_MEM_ALLOC_ENABLE", "1", 0});
      setenv.invokeInt(new Object[] {"GOMP_SPINCOUNT", "1000", 0});
    }
    if (MALLOPT != null && System.getenv("MALLOC_ARENA_MAX") == null) {
      MALLOPT.invokeInt(new Object[] {ARENA_MAX, 1});
      MALLOPT.invokeInt(new Object[] {TRIM_THRESHOLD, 1 << 30});
    }
    giveBackArrays(32 << 20);
  }

  /**
   * Sets the size from which freed arrays are returned to the OS (the mmap threshold), to avoid
   * fragmentation. It pays off if their matmuls take far longer than page faults.
   *
   * @param bytes the smallest size
   */
  public static void giveBackArrays(int bytes) {
    if (MALLOPT != null) {
      MALLOPT.invokeInt(new Object[] {MMAP_THRESHOLD, bytes});
    }
  }

  /**
   * Returns free memory to the operating system (malloc_trim), which glibc would keep. A client
   * waiting for its next round should not hold the last one's peak.
   */
  public static void trim() {
    if (TRIM != null) {
      TRIM.invokeInt(new Object[] {0});
    }
  }

  /**
   * Returns the machine's or container's memory limit in bytes; a very large number if the JVM does
   * not know it.
   */
  public static long limit() {
    try {
      return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    } catch (LinkageError e) { // the JVM's own library, in a folder that its locale cannot spell
      return Long.MAX_VALUE;
    }
  }
}
