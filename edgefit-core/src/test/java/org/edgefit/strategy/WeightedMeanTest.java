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
    List<Update> updates =
        List.of(
            new Update("c", 1, delta(0, 4, 0, 0, 0, 0, 0, 0, 0, 8)),
            new Update("d", 3, delta(4, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    assertThat(values(aggregator().combine(updates)))
        .isEqualTo(new float[] {3, 1, 0, 0, 0, 0, 0, 0, 0, 2});
  }

  @Test
  void sumIsKeptInDouble() {
    // In float32 the large values would swallow the small one.
    List<Update> updates =
        List.of(
            new Update("c", 1, delta(1e8f, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
            new Update("d", 1, delta(3, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
            new Update("e", 1, delta(-1e8f, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    assertThat(values(aggregator().combine(updates))[0]).isEqualTo(1);
  }

  @Test
  void weightsThatAreNotPositiveAreRefused() {
    for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new Update("c", weight, delta(new float[10])))
          .hasMessageContaining("c: weight " + weight);
    }
  }
}
