package org.edgefit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class ConfusionMatrixTest {

  /** 3 of a seen as a, 1 as b; 2 of b seen as a, 4 as b; nothing of c, and nothing seen as c. */
  private static ConfusionMatrix matrix() {
    ConfusionMatrix matrix = new ConfusionMatrix(List.of("a", "b", "c"));
    for (int i = 0; i < 3; i++) {
      matrix.add("a", "a");
    }
    matrix.add("a", "b");
    for (int i = 0; i < 2; i++) {
      matrix.add("b", "a");
    }
    for (int i = 0; i < 4; i++) {
      matrix.add("b", "b");
    }
    return matrix;
  }

  @Test
  void ratiosAreThoseOfTheCounts() {
    ConfusionMatrix matrix = matrix();
    assertThat(matrix.accuracy()).isEqualTo(0.7);
    assertThat(matrix.precision("a")).isEqualTo(0.6);
    assertThat(matrix.recall("a")).isEqualTo(0.75);
    assertThat(matrix.f1("a")).isCloseTo(2 * 0.6 * 0.75 / 1.35, within(1e-12));
    assertThat(matrix.f1("c")).isZero();
    assertThat(matrix.macroF1()).isCloseTo((matrix.f1("a") + matrix.f1("b")) / 3, within(1e-12));
  }

  @Test
  void reportHasALinePerClass() {
    assertThat(matrix().report())
        .isEqualTo(
            """
            class     precision  recall      f1   cases
            a             0.600   0.750   0.667       4
            b             0.800   0.667   0.727       6
            c             0.000   0.000   0.000       0
            macro         0.467   0.472   0.465      10
            accuracy 0.700
            """);
  }

  @Test
  void unknownLabelIsRefused() {
    assertThatThrownBy(() -> matrix().add("a", "z")).hasMessageContaining("label: z");
  }

  @Test
  void longNamesWidenTheReport() {
    ConfusionMatrix matrix = new ConfusionMatrix(List.of("routine_with_a_long_name", "b"));
    matrix.add("b", "b");
    List<String> lines = matrix.report().lines().toList();
    assertThat(lines.get(1)).startsWith("routine_with_a_long_name     ");
    assertThat(lines.subList(0, 4)).extracting(String::length).containsOnly(lines.get(0).length());
  }

  @Test
  void countsAreByTruthAndPrediction() {
    ConfusionMatrix matrix = matrix();
    assertThat(matrix.count("a", "a")).isEqualTo(3);
    assertThat(matrix.count("a", "b")).isEqualTo(1);
    assertThat(matrix.count("b", "a")).isEqualTo(2);
    assertThat(matrix.support("a")).isEqualTo(4);
    assertThat(matrix.support("c")).isZero();
    assertThat(matrix.total()).isEqualTo(10);
    matrix.addInvalid("b");
    matrix.addInvalid("b");
    matrix.addInvalid("c");
    assertThat(matrix.invalid()).isEqualTo(3);
    assertThat(matrix.invalid("b")).isEqualTo(2);
    assertThat(matrix.invalid("a")).isZero();
    assertThat(matrix.total()).isEqualTo(13);
    assertThat(matrix.support("b")).isEqualTo(8);
  }

  @Test
  void meansAreOverAllClasses() {
    ConfusionMatrix matrix = matrix();
    assertThat(matrix.macroPrecision()).isCloseTo((0.6 + 0.8) / 3, within(1e-12));
    assertThat(matrix.macroRecall()).isCloseTo((0.75 + 4.0 / 6) / 3, within(1e-12));
    assertThat(matrix.metrics())
        .containsOnlyKeys("accuracy", "precision", "recall", "f1")
        .containsEntry("accuracy", 0.7)
        .containsEntry("precision", matrix.macroPrecision())
        .containsEntry("recall", matrix.macroRecall())
        .containsEntry("f1", matrix.macroF1());
    assertThat(new ConfusionMatrix(List.of("a")).accuracy()).isZero();
  }

  @Test
  void labelsMustBeThereAndBeDifferent() {
    assertThatThrownBy(() -> new ConfusionMatrix(List.of()))
        .hasMessage("labels: [] (expected: at least one, none twice)");
    assertThatThrownBy(() -> new ConfusionMatrix(List.of("a", "a")))
        .hasMessage("labels: [a, a] (expected: at least one, none twice)");
    assertThatThrownBy(() -> matrix().support("z"))
        .hasMessage("label: z (expected: one of [a, b, c])");
  }

  @Test
  void perplexityIsTheExponentialOfTheLoss() {
    assertThat(Perplexity.of(0)).isEqualTo(1);
    assertThat(Perplexity.of(Math.log(49_152))).isCloseTo(49_152, within(1e-6));
  }
}
