package org.edgefit.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

class BootstrapTest {

  private static List<Prediction> cases(int right, int wrong) {
    List<Prediction> cases = new ArrayList<>();
    for (int i = 0; i < right + wrong; i++) {
      String truth = i % 2 == 0 ? "a" : "b";
      cases.add(new Prediction(truth, i < right ? truth : truth.equals("a") ? "b" : "a"));
    }
    return cases;
  }

  /** The accuracy of n draws has the standard error sqrt(p (1 - p) / n). */
  @Test
  void intervalOfTheAccuracyIsThatOfTheBinomialDistribution() {
    Map<String, Bootstrap.Interval> intervals =
        Bootstrap.standard(new Seed(1)).intervals(List.of("a", "b"), cases(320, 80));
    double error = Math.sqrt(0.8 * 0.2 / 400);
    assertThat(intervals.get("accuracy").low()).isCloseTo(0.8 - 1.96 * error, within(0.006));
    assertThat(intervals.get("accuracy").high()).isCloseTo(0.8 + 1.96 * error, within(0.006));
    assertThat(intervals).containsOnlyKeys("accuracy", "precision", "recall", "f1");
  }

  @Test
  void sameSeedGivesTheSameIntervals() {
    Bootstrap bootstrap = new Bootstrap(50, 0.9, new Seed(7));
    assertThat(bootstrap.intervals(List.of("a", "b"), cases(30, 5)))
        .isEqualTo(bootstrap.intervals(List.of("a", "b"), cases(30, 5)));
  }

  @Test
  void allRightLeavesNoDoubt() {
    Bootstrap.Interval f1 =
        Bootstrap.standard(new Seed(1)).intervals(List.of("a", "b"), cases(60, 0)).get("f1");
    assertThat(f1).isEqualTo(new Bootstrap.Interval(1, 1));
  }

  @Test
  void classThatADrawLeavesOutIsNoMistake() {
    List<Prediction> cases = cases(60, 0);
    cases.add(new Prediction("rare", "rare"));
    Bootstrap.Interval f1 =
        Bootstrap.standard(new Seed(1)).intervals(List.of("a", "b", "rare"), cases).get("f1");
    assertThat(f1).isEqualTo(new Bootstrap.Interval(1, 1));
    // A class without any case is counted as in the matrix, as F1 0.
    f1 =
        Bootstrap.standard(new Seed(1))
            .intervals(List.of("a", "b", "none"), cases(60, 0))
            .get("f1");
    assertThat(f1).isEqualTo(new Bootstrap.Interval(2.0 / 3, 2.0 / 3));
  }

  @Test
  void noCasesAreRefused() {
    assertThatThrownBy(() -> Bootstrap.standard(new Seed(1)).intervals(List.of("a"), List.of()))
        .hasMessageContaining("predictions: none");
  }

  @Test
  void invalidAnswersAreWrongButInNoColumn() {
    ConfusionMatrix matrix =
        ConfusionMatrix.of(
            List.of("a", "b"),
            List.of(new Prediction("a", "a"), new Prediction("a", null), new Prediction("b", "b")));
    assertThat(matrix.invalid()).isEqualTo(1);
    assertThat(matrix.accuracy()).isCloseTo(2.0 / 3, within(1e-12));
    assertThat(matrix.recall("a")).isEqualTo(0.5);
    assertThat(matrix.precision("a")).isEqualTo(1);
  }

  /** With two cases, one of them right, accuracies are 0, 0.5 and 1, at 1/4, 1/2 and 1/4. */
  @Test
  void endsArePercentilesBetweenDraws() {
    List<Prediction> cases = List.of(new Prediction("a", "a"), new Prediction("a", "b"));
    Bootstrap.Interval half =
        new Bootstrap(4001, 0.4, new Seed(3)).intervals(List.of("a", "b"), cases).get("accuracy");
    assertThat(half).isEqualTo(new Bootstrap.Interval(0.5, 0.5));
    Bootstrap.Interval most =
        new Bootstrap(4001, 0.8, new Seed(3)).intervals(List.of("a", "b"), cases).get("accuracy");
    assertThat(most).isEqualTo(new Bootstrap.Interval(0, 1));
    Bootstrap.Interval one =
        new Bootstrap(1, 0.9, new Seed(3)).intervals(List.of("a", "b"), cases).get("accuracy");
    assertThat(one.low()).isEqualTo(one.high()).isIn(0.0, 0.5, 1.0);
  }

  /** Two draws have no value between them: the ends lie on the line from one to the other. */
  @Test
  void endsOfTwoDrawsLieBetweenThem() {
    List<Prediction> cases = cases(30, 30);
    Bootstrap.Interval all =
        new Bootstrap(2, 0.999999, new Seed(5)).intervals(List.of("a", "b"), cases).get("accuracy");
    Bootstrap.Interval half =
        new Bootstrap(2, 0.5, new Seed(5)).intervals(List.of("a", "b"), cases).get("accuracy");
    double range = all.high() - all.low();
    assertThat(range).isPositive();
    assertThat(half.low()).isCloseTo(all.low() + range / 4, within(1e-6));
    assertThat(half.high()).isCloseTo(all.high() - range / 4, within(1e-6));
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    Seed seed = new Seed(1);
    assertThatThrownBy(() -> new Bootstrap(0, 0.9, seed))
        .hasMessage("resamples: 0 (expected: >= 1)");
    for (double level : new double[] {0, 1, -0.5, Double.NaN}) {
      assertThatThrownBy(() -> new Bootstrap(1, level, seed))
          .hasMessage("level: " + level + " (expected: in (0, 1))");
    }
  }
}
