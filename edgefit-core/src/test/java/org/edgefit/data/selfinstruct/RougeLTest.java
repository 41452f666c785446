package org.edgefit.data.selfinstruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.data.Words;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RougeLTest {

  /** The longest common subsequence by its definition. */
  private static int slow(List<String> one, List<String> other) {
    if (one.isEmpty() || other.isEmpty()) {
      return 0;
    }
    List<String> restOfOne = one.subList(1, one.size());
    List<String> restOfOther = other.subList(1, other.size());
    if (one.get(0).equals(other.get(0))) {
      return 1 + slow(restOfOne, restOfOther);
    }
    return Math.max(slow(one, restOfOther), slow(restOfOne, other));
  }

  private static List<String> words(SplittableRandom random) {
    List<String> words = new ArrayList<>();
    int length = random.nextInt(0, 9);
    for (int i = 0; i < length; i++) {
      words.add("abc".substring(random.nextInt(3)).substring(0, 1));
    }
    return words;
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void sequenceIsTheLongest(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 50; i++) {
      List<String> one = words(random);
      List<String> other = words(random);
      int common = slow(one, other);
      double expected = common == 0 ? 0 : 2.0 * common / (one.size() + other.size());
      assertThat(RougeL.of(one, other)).as("%s %s", one, other).isCloseTo(expected, within(1e-12));
      assertThat(RougeL.reaches(0.7, one, other)).isEqualTo(expected >= 0.7);
    }
  }

  /** rouge_score 0.1.2 gives precision 5/6, recall 5/6. */
  @Test
  void valueIsThatOfTheUsualPackage() {
    List<String> one = Words.of("The cat sat on the mat.");
    List<String> other = Words.of("the cat lay on the mat");
    assertThat(RougeL.of(one, other)).isCloseTo(5.0 / 6, within(1e-12));
  }
}
