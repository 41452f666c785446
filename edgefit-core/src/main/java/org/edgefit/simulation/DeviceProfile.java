package org.edgefit.simulation;

import java.util.Locale;
import java.util.TreeMap;

/**
 * A kind of device that clients run on. Rates are sustained training rates, not data-sheet peaks;
 * those of the named devices are assumptions, about a third of peak.
 *
 * @param name the name
 * @param memoryBytes what a training may take
 * @param flopsPerSecond floating-point operations per second, a multiplication with its addition
 *     being two
 * @param downBytesPerSecond how fast it receives
 * @param upBytesPerSecond how fast it sends
 * @param latencySeconds how long the first byte takes, either way
 * @param dropout the probability that it drops out of a round, in [0, 1]
 * @param spread the standard deviation of the logarithm of its rates across rounds, >= 0
 */
public record DeviceProfile(
    String name,
    long memoryBytes,
    double flopsPerSecond,
    double downBytesPerSecond,
    double upBytesPerSecond,
    double latencySeconds,
    double dropout,
    double spread) {

  private static final double MEGABIT = 1e6 / 8;

  private static final TreeMap<String, DeviceProfile> NAMED = new TreeMap<>();

  static {
    // Peaks of dense products: A10 125 TFLOPS in bfloat16, Orin Nano 10 in float16, the four
    // Cortex-A76 of a Raspberry Pi 5 0.15 in float32. A board's system takes 1 GB of its memory.
    named("a10", 24e9, 40e12, 1000, 1000, 0.005, 0);
    named("jetson-orin-nano", 7e9, 3.3e12, 100, 40, 0.02, 0.1);
    named("raspberry-pi-5", 7e9, 0.05e12, 50, 10, 0.03, 0.2);
  }

  private static void named(
      String name,
      double memory,
      double flops,
      double downMegabits,
      double upMegabits,
      double latency,
      double spread) {
    NAMED.put(
        name,
        new DeviceProfile(
            name,
            (long) memory,
            flops,
            downMegabits * MEGABIT,
            upMegabits * MEGABIT,
            latency,
            0,
            spread));
  }

  /** Checks the ranges. */
  public DeviceProfile {
    requirePositive("memory", (double) memoryBytes);
    requirePositive("flops", flopsPerSecond);
    requirePositive("down", downBytesPerSecond);
    requirePositive("up", upBytesPerSecond);
    requireIn("latency", latencySeconds, Double.MAX_VALUE);
    requireIn("dropout", dropout, 1);
    requireIn("spread", spread, Double.MAX_VALUE);
  }

  private static void requirePositive(String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: > 0)");
    }
  }

  private static void requireIn(String what, double value, double most) {
    if (!(value >= 0 && value <= most)) {
      String range = most == 1 ? "0 to 1" : ">= 0";
      throw new IllegalArgumentException(what + ": " + value + " (expected: " + range + ")");
    }
  }

  /** Returns the seconds to receive and send this many bytes, without variation. */
  public double transferSeconds(long bytes) {
    return 2 * latencySeconds + bytes / downBytesPerSecond + bytes / upBytesPerSecond;
  }

  /**
   * Returns a device by name: {@code a10}, a gateway with an NVIDIA A10; {@code jetson-orin-nano},
   * with 8 GB; or {@code raspberry-pi-5}, with 8 GB.
   */
  public static DeviceProfile named(String name) {
    DeviceProfile profile = NAMED.get(name.toLowerCase(Locale.ROOT));
    if (profile == null) {
      throw new IllegalArgumentException(
          "device: " + name + " (expected: one of " + NAMED.keySet() + ")");
    }
    return profile;
  }
}
