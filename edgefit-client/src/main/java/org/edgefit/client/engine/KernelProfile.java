package org.edgefit.client.engine;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The time in each kernel, over all threads; valid on the CPU, where calls are synchronous. */
public final class KernelProfile {

  /** The nanoseconds in each kernel, and its calls; null while nothing is measured. */
  private static volatile @Nullable Map<String, long[]> profile;

  private KernelProfile() {}

  /** Starts to measure. */
  public static void start() {
    profile = new ConcurrentHashMap<>();
  }

  /**
   * Stops measuring.
   *
   * @return by kernel the nanoseconds in it and the calls; work in Java has names in brackets
   */
  public static Map<String, long[]> stop() {
    Map<String, long[]> result = profile;
    profile = null;
    return result == null ? Map.of() : new TreeMap<>(result);
  }

  /** Returns when work starts that a profile is to show; 0 while nothing is measured. */
  public static long begin() {
    return profile == null ? 0 : System.nanoTime();
  }

  /** Adds work since {@link #begin} to the profile. */
  public static void end(String name, long begin) {
    Map<String, long[]> current = profile;
    if (current != null && begin != 0) {
      long time = System.nanoTime() - begin;
      current.merge(name, new long[] {time, 1}, (a, b) -> new long[] {a[0] + b[0], a[1] + b[1]});
    }
  }
}
