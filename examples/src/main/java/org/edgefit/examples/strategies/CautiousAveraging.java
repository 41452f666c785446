package org.edgefit.examples.strategies;

import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Config;
import org.edgefit.strategy.ClientSampler;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Update;
import org.edgefit.strategy.UpdateSet;

/** A stateful strategy from scratch: the server's step halves when the clients' loss rises. */
record CautiousAveraging(int clientsPerRound) implements Strategy {

  @Override
  public ServerState start(Adapter first) {
    return ServerState.of(first).with("step", 1.0).with("lowest", Double.MAX_VALUE);
  }

  @Override
  public RoundPlan configureFit(RoundContext round) {
    List<String> clients = ClientSampler.uniform(clientsPerRound).sample(round);
    return RoundPlan.of(clients, round.assignment());
  }

  @Override
  public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
    double loss = 0;
    for (Update update : updates) {
      loss += update.metrics().getOrDefault("loss", 0.0) / updates.size();
    }
    Config kept = round.state().values();
    double lowest = kept.number("lowest");
    double step = loss > lowest ? kept.number("step") / 2 : kept.number("step");
    return round
        .state()
        .plus(updates.weightedMean(), step)
        .with("step", step)
        .with("lowest", Math.min(loss, lowest));
  }
}
