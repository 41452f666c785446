package org.edgefit.format.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frequencies, held to the papers' formulas in double. */
class RopeConfigTest {

  private static final int PAIRS = 32;
  private static final RopeConfig.Llama3 LLAMA3 = new RopeConfig.Llama3(8, 1, 4, 8192);

  private static double plain(double theta, int pair) {
    return Math.pow(theta, -2.0 * pair / (2 * PAIRS));
  }

  @ParameterizedTest
  @ValueSource(doubles = {10_000, 500_000, 100_000})
  void unscaledFrequenciesArePowersOfTheBase(double theta) {
    RopeConfig rope = new RopeConfig(theta, 2 * PAIRS, new RopeConfig.Unscaled());
    float[] frequencies = rope.frequencies(100);
    assertThat(frequencies).hasSize(PAIRS);
    for (int pair = 0; pair < PAIRS; pair++) {
      double expected = plain(theta, pair);
      assertThat((double) frequencies[pair]).isCloseTo(expected, within(1e-6 * expected));
    }
    assertThat(frequencies[0]).isEqualTo(1);
    assertThat(rope.attentionFactor()).isEqualTo(1);
    assertThat(rope.changesAt(5000)).isFalse();
  }

  @Test
  void linearScalingDividesEveryFrequency() {
    RopeConfig rope = new RopeConfig(10_000, 2 * PAIRS, new RopeConfig.Linear(4));
    for (int pair = 0; pair < PAIRS; pair++) {
      double expected = plain(10_000, pair) / 4;
      assertThat((double) rope.frequencies(1)[pair]).isCloseTo(expected, within(1e-6 * expected));
    }
  }

  /** High frequencies stay, low ones are divided, and those between are mixed. */
  @Test
  void scalingOfLlama3KeepsHighAndDividesLowFrequencies() {
    RopeConfig rope = new RopeConfig(500_000, 2 * PAIRS, LLAMA3);
    float[] frequencies = rope.frequencies(1);
    int kept = 0;
    int divided = 0;
    for (int pair = 0; pair < PAIRS; pair++) {
      double plain = plain(500_000, pair);
      double turns = 8192 * plain / (2 * Math.PI);
      double expected;
      if (turns > 4) {
        expected = plain;
        kept++;
      } else if (turns < 1) {
        expected = plain / 8;
        divided++;
      } else {
        double share = (turns - 1) / (4 - 1);
        expected = (1 - share) * plain / 8 + share * plain;
      }
      assertThat((double) frequencies[pair]).isCloseTo(expected, within(2e-5 * expected));
    }
    assertThat(kept).isPositive();
    assertThat(divided).isPositive();
    assertThat(kept + divided).isLessThan(PAIRS);
  }

  @Test
  void longRopeHasFactorsForShortAndForLongTexts() {
    RopeConfig rope =
        new RopeConfig(
            10_000,
            2 * PAIRS,
            new RopeConfig.LongRope(
                Collections.nCopies(PAIRS, 2.0), Collections.nCopies(PAIRS, 5.0), 4096, 1.19));
    for (int pair = 0; pair < PAIRS; pair++) {
      double plain = plain(10_000, pair);
      assertThat((double) rope.frequencies(4096)[pair]).isCloseTo(plain / 2, within(1e-6 * plain));
      assertThat((double) rope.frequencies(4097)[pair]).isCloseTo(plain / 5, within(1e-6 * plain));
    }
    assertThat(rope.attentionFactor()).isEqualTo(1.19f);
    assertThat(rope.isLong(4096)).isFalse();
    assertThat(rope.isLong(4097)).isTrue();
    assertThat(rope.changesAt(4096)).isFalse();
    assertThat(rope.changesAt(4097)).isTrue();
    assertThat(rope.changesAt(4098)).isFalse();
  }

  @Test
  void numbersThatCannotBeAreRefused() {
    RopeConfig.Unscaled plain = new RopeConfig.Unscaled();
    assertThatThrownBy(() -> new RopeConfig(0, 64, plain))
        .hasMessage("rope_theta: 0.0 (expected: a number > 0)");
    assertThatThrownBy(() -> new RopeConfig(Double.NaN, 64, plain))
        .hasMessage("rope_theta: NaN (expected: a number > 0)");
    assertThatThrownBy(() -> new RopeConfig(1, 63, plain))
        .hasMessage("rotary dimensions: 63 (expected: even, at least 2)");
    assertThatThrownBy(() -> new RopeConfig(1, 0, plain))
        .hasMessage("rotary dimensions: 0 (expected: even, at least 2)");
    List<Double> two = List.of(1.0, 1.0);
    assertThatThrownBy(() -> new RopeConfig(1, 4, new RopeConfig.LongRope(List.of(1.0), two, 8, 1)))
        .hasMessage("short_factor: 1 numbers (expected: 2)");
    assertThatThrownBy(() -> new RopeConfig(1, 4, new RopeConfig.LongRope(two, List.of(), 8, 1)))
        .hasMessage("long_factor: 0 numbers (expected: 2)");
  }
}
