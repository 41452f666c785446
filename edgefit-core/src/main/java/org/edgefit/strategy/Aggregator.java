package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;
import org.jspecify.annotations.Nullable;

/** Makes one change out of many. */
@FunctionalInterface
public interface Aggregator {

  /**
   * Returns the combined change, in the layout of the global adapter.
   *
   * @param updates at least one, in client-id order
   * @return null to abstain: the adapter stays as it is
   */
  @Nullable AdapterDelta combine(RoundContext round, UpdateSet updates);

  /** Returns what this rule needs of the updates: all of them, unless it says less. */
  default Needs needs() {
    return Needs.EACH_UPDATE;
  }

  /** Returns federated averaging: the weighted mean (McMahan et al. 2017, algorithm 1). */
  static Aggregator mean() {
    return new WeightedMean();
  }
}
