package org.edgefit.client.model;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The C library's allocator, from which the arrays' memory comes. */
public final class NativeMemory {

  /** glibc's numbers of the allocator's settings. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;
  private static final int ARENA_MAX = -8;

  /** What JNA takes the folder from that it unpacks its library in. */
  private static final String JNA_FOLDER = "jna.tmpdir";

  private static final Logger LOG = LoggerFactory.getLogger(NativeMemory.class);
  private static final boolean JNA = isJnaThere();
  private static final @Nullable Function TRIM = find("malloc_trim");
  private static final @Nullable Function MALLOPT = find("mallopt");

  private NativeMemory() {}

  private static boolean isJnaThere() {
    EngineCache cache = new EngineCache(System.getenv(), System.getProperties());
    boolean isPlaced = cache.hasHome() || System.getProperty(JNA_FOLDER) != null;
    try {
      if (!isPlaced) { // it would take the account's folder, which is not there
        System.setProperty(JNA_FOLDER, Files.createDirectories(cache.chosen()).toString());
      }
      return Native.POINTER_SIZE > 0;
    } catch (LinkageError | IOException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      LOG.warn(
          "memory is not tuned, for JNA does not load ({}); training runs without it,"
              + " in more memory",
          cause.getMessage());
      return false;
    } finally {
      if (!isPlaced) {
        System.clearProperty(JNA_FOLDER);
      }
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
   * Prepares the allocator for arrays, before the engine is loaded. What was set from outside stays
   * as it is.
   *
   * <ul>
   *   <li>One arena, from which freed memory is taken again instead of being given back and zeroed
   *       by the system at each operation; but large ones are given back, see {@link
   *       #giveBackArrays}.
   *   <li>Huge pages for large arrays, where the system offers them on request.
   *   <li>Idle threads of OpenMP sleep soon: those that spin take the processor from the threads
   *       that decode weights, and from other processes.
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
   * Says from which size on arrays are given back to the system when they are freed, so that they
   * leave no holes. It pays where the products that make them take far longer than fresh memory.
   *
   * @param bytes the smallest size
   */
  public static void giveBackArrays(int bytes) {
    if (MALLOPT != null) {
      MALLOPT.invokeInt(new Object[] {MMAP_THRESHOLD, bytes});
    }
  }

  /**
   * Gives memory that is no longer in use back to the operating system, where the allocator would
   * keep it (glibc). A client that waits for its next round should not hold the last one's peak.
   */
  public static void trim() {
    if (TRIM != null) {
      TRIM.invokeInt(new Object[] {0});
    }
  }
}
