package org.edgefit.strategy;

import java.util.List;
import org.edgefit.adapter.AdapterDelta;

/** Makes one change out of many. */
@FunctionalInterface
public interface Aggregator {

  /**
   * Returns the combined change.
   *
   * @param updates at least one, in client-id order, all of one layout
   */
  AdapterDelta combine(List<Update> updates);

  /** Returns federated averaging: the weighted mean (McMahan et al. 2017, algorithm 1). */
  static Aggregator mean() {
    return new WeightedMean();
  }
}
