package org.edgefit.format.model;

import java.util.List;

/**
 * Rotary position embeddings (Su et al. 2021) and the context extensions that checkpoints use. All
 * numbers are computed in float32, as transformers does.
 *
 * @param theta the base of the frequencies
 * @param dimensions how many of a head's first values are rotated; even
 * @param scaling how the frequencies are changed
 */
public record RopeConfig(double theta, int dimensions, Scaling scaling) {

  /** Checks the numbers. */
  public RopeConfig {
    if (!(theta > 0)) {
      throw new IllegalArgumentException("rope_theta: " + theta + " (expected: a number > 0)");
    }
    if (dimensions < 2 || dimensions % 2 != 0) {
      throw new IllegalArgumentException(
          "rotary dimensions: " + dimensions + " (expected: even, at least 2)");
    }
    if (scaling instanceof LongRope longRope) {
      requireFactors("short_factor", longRope.shortFactors(), dimensions / 2);
      requireFactors("long_factor", longRope.longFactors(), dimensions / 2);
    }
  }

  private static void requireFactors(String key, List<Double> factors, int expected) {
    if (factors.size() != expected) {
      throw new IllegalArgumentException(
          key + ": " + factors.size() + " numbers (expected: " + expected + ")");
    }
  }

  /** A change of the frequencies. */
  public sealed interface Scaling {}

  /** The frequencies as they are. */
  public record Unscaled() implements Scaling {}

  /** Every frequency divided by a factor (Chen et al. 2023, position interpolation). */
  public record Linear(double factor) implements Scaling {}

  /**
   * Llama 3.1's scaling: low frequencies are divided by the factor, high ones are kept, and those
   * between are interpolated.
   *
   * @param lowFrequencyFactor frequencies with fewer turns than this in {@code originalPositions}
   *     are low
   * @param highFrequencyFactor those with more are high
   */
  public record Llama3(
      double factor,
      double lowFrequencyFactor,
      double highFrequencyFactor,
      double originalPositions)
      implements Scaling {}

  /**
   * LongRoPE (Ding et al. 2024): each frequency is divided by its own factor, of one list for texts
   * within the original length and another for longer ones.
   *
   * @param attentionFactor what cosine and sine are multiplied by
   */
  public record LongRope(
      List<Double> shortFactors,
      List<Double> longFactors,
      int originalPositions,
      double attentionFactor)
      implements Scaling {

    /** Copies the lists. */
    public LongRope {
      shortFactors = List.copyOf(shortFactors);
      longFactors = List.copyOf(longFactors);
    }
  }

  /**
   * Returns the angle per position of each pair of values, in radians.
   *
   * @param length the tokens of the longest text, on which LongRoPE depends
   */
  public float[] frequencies(int length) {
    float[] frequencies = new float[dimensions / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float power = (float) Math.pow(theta, 2f * i / dimensions);
      if (scaling instanceof LongRope longRope) {
        List<Double> factors = isLong(length) ? longRope.longFactors() : longRope.shortFactors();
        frequencies[i] = 1f / (factors.get(i).floatValue() * power);
      } else if (scaling instanceof Linear linear) {
        frequencies[i] = 1f / power / (float) linear.factor();
      } else if (scaling instanceof Llama3 llama3) {
        frequencies[i] = stretched(1f / power, llama3);
      } else {
        frequencies[i] = 1f / power;
      }
    }
    return frequencies;
  }

  private static float stretched(float frequency, Llama3 llama3) {
    float wavelength = 2 * (float) Math.PI / frequency;
    if (wavelength < llama3.originalPositions() / llama3.highFrequencyFactor()) {
      return frequency;
    }
    if (wavelength > llama3.originalPositions() / llama3.lowFrequencyFactor()) {
      return frequency / (float) llama3.factor();
    }
    float smooth =
        ((float) llama3.originalPositions() / wavelength - (float) llama3.lowFrequencyFactor())
            / (float) (llama3.highFrequencyFactor() - llama3.lowFrequencyFactor());
    return (1 - smooth) * (frequency / (float) llama3.factor()) + smooth * frequency;
  }

  /** Returns whether a text is so long that LongRoPE takes its factors for long ones. */
  public boolean isLong(int length) {
    return scaling instanceof LongRope longRope && length > longRope.originalPositions();
  }

  /** Returns whether the frequencies of a text of this length are not those of a shorter one. */
  public boolean changesAt(int length) {
    return isLong(length) && !isLong(length - 1);
  }

  /** Returns what cosine and sine are multiplied by. */
  public float attentionFactor() {
    return scaling instanceof LongRope longRope ? (float) longRope.attentionFactor() : 1f;
  }
}
