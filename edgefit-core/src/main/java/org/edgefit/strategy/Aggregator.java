package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;
import org.jspecify.annotations.Nullable;

/** Aggregates deltas into one. */
@FunctionalInterface
public interface Aggregator {

  /**
   * Returns the aggregated delta, in the global adapter's layout.
   *
   * @param updates at least one, in client-id order
   * @return null to abstain: the adapter stays as it is
   */
  @Nullable AdapterDelta combine(RoundContext round, UpdateSet updates);

  /** Returns what this rule needs of the updates; by default each whole update. */
  default Needs needs() {
    return Needs.EACH_UPDATE;
  }

  /** Returns federated averaging: the weighted mean (McMahan et al. 2017, algorithm 1). */
  static Aggregator mean() {
    return new WeightedMean();
  }
}
