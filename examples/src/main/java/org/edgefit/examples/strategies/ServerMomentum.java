package org.edgefit.examples.strategies;

import org.edgefit.adapter.AdapterDelta;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.ServerOptimizer;
import org.edgefit.strategy.ServerState;

/** A stateful server optimizer: momentum. The run saves its state and resumes from it. */
public record ServerMomentum(double learningRate, double beta) implements ServerOptimizer {

  @Override
  public ServerState step(RoundContext round, AdapterDelta mean) {
    AdapterDelta velocity = mean.plus(round.state().kept("velocity"), beta);
    return round.state().plus(velocity, learningRate).with("velocity", velocity);
  }
}
