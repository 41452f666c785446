package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/** The mean of the changes by the updates' weights. */
final class WeightedMean implements Aggregator {

  @Override
  public AdapterDelta combine(RoundContext round, UpdateSet updates) {
    return updates.weightedMean();
  }

  @Override
  public Needs needs() {
    return Needs.SUM;
  }
}
