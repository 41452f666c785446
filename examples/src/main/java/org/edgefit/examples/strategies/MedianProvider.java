package org.edgefit.examples.strategies;

import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.StrategyOptions;
import org.edgefit.strategy.StrategyProvider;

/** Registers a custom strategy by name: {@code edgefit-server serve --strategy median:step=0.5}. */
public final class MedianProvider implements StrategyProvider {

  @Override
  public String name() {
    return "median";
  }

  @Override
  public String description() {
    return "the coordinate-wise median (Yin et al. 2018): step=1";
  }

  @Override
  public Strategy create(FedAvg base, StrategyOptions options) {
    double step = options.number("step", 1);
    return base.aggregator(
            (round, updates) ->
                updates.coordinatewiseSorted(
                    values -> (values[(values.length - 1) / 2] + values[values.length / 2]) / 2))
        .optimizer((round, median) -> round.state().plus(median, step));
  }
}
