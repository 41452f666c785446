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
    assertThat(matrix().report()).contains("a", "macro", "accuracy 0.700");
  }

  @Test
  void unknownLabelIsRefused() {
    assertThatThrownBy(() -> matrix().add("a", "z")).hasMessageContaining("label: z");
  }
}
