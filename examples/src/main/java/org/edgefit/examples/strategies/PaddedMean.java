package org.edgefit.examples.strategies;

import org.edgefit.adapter.AdapterDelta;
import org.edgefit.strategy.Aggregator;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Update;
import org.edgefit.strategy.UpdateSet;

/**
 * The mean of updates of any rank: a smaller one is padded with zeros (as in HetLoRA, Cho et al.
 * 2024).
 */
record PaddedMean() implements Aggregator {

  @Override
  public AdapterDelta combine(RoundContext round, UpdateSet updates) {
    int rank = round.adapter().config().rank();
    AdapterDelta sum = AdapterDelta.zero(round.adapter().layout());
    double weights = 0;
    for (Update update : updates) {
      sum = sum.plus(update.delta().withRank(rank), update.weight());
      weights += update.weight();
    }
    return sum.scaled(1 / weights);
  }
}
