package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class WeightedMeanTest extends AggregatorContract {

  @Override
  protected Aggregator aggregator() {
    return Aggregator.mean();
  }

  @Test
  void meanWeighsByTheClientsWeights() {
    List<FakeUpdate> updates =
        List.of(
            new FakeUpdate("c", 1, delta(0, 4, 0, 0, 0, 0, 0, 0, 0, 8)),
            new FakeUpdate("d", 3, delta(4, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    assertThat(values(combine(updates))).isEqualTo(new float[] {3, 1, 0, 0, 0, 0, 0, 0, 0, 2});
  }

  @Test
  void sumIsKeptInDouble() {
    // In float32 the large values would swallow the small one.
    List<FakeUpdate> updates =
        List.of(
            new FakeUpdate("c", 1, delta(1e8f, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
            new FakeUpdate("d", 1, delta(3, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
            new FakeUpdate("e", 1, delta(-1e8f, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    assertThat(values(combine(updates))[0]).isEqualTo(1);
  }

  @Test
  void weightsThatAreNotPositiveAreRefused() {
    for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      UpdateSet one = UpdateSet.of(List.of(new FakeUpdate("c", 1, delta(new float[10]))));
      assertThatThrownBy(() -> one.weighted(update -> weight))
          .hasMessageContaining("c: weight " + weight);
    }
  }
}
