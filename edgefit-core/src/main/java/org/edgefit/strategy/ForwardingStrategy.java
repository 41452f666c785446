package org.edgefit.strategy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;

/** A strategy that delegates to another; subclasses override methods. */
public abstract class ForwardingStrategy implements Strategy {

  private final Strategy strategy;

  /** Wraps a strategy. */
  protected ForwardingStrategy(Strategy strategy) {
    this.strategy = strategy;
  }

  @Override
  public ServerState start(Adapter first) {
    return strategy.start(first);
  }

  @Override
  public Needs needs() {
    return strategy.needs();
  }

  @Override
  public RoundPlan configureFit(RoundContext round) {
    return strategy.configureFit(round);
  }

  @Override
  public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
    return strategy.aggregateFit(round, updates);
  }

  @Override
  public Map<String, Double> aggregateFitMetrics(RoundContext round, List<ClientMetrics> clients) {
    return strategy.aggregateFitMetrics(round, clients);
  }

  @Override
  public RoundPlan configureEvaluate(RoundContext round) {
    return strategy.configureEvaluate(round);
  }

  @Override
  public Map<String, Double> aggregateEvaluate(RoundContext round, List<ClientMetrics> clients) {
    return strategy.aggregateEvaluate(round, clients);
  }

  @Override
  public Map<String, Double> evaluate(RoundContext round) throws IOException, InterruptedException {
    return strategy.evaluate(round);
  }

  @Override
  public boolean isOver(RoundContext round) {
    return strategy.isOver(round);
  }
}
