package org.edgefit.strategy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;

/**
 * A federated strategy: pure functions on a state that the run saves. An implementation has no
 * mutable fields, so it resumes bit-identically without extra code. The methods are called in this
 * order, once per round, by one thread; the names are Flower's.
 */
public interface Strategy {

  /**
   * Returns this strategy's settings by name: its parts and their numbers. They are written to the
   * run's manifest, and must match on resume.
   */
  default Map<String, String> settings() {
    return PartSettings.of(this);
  }

  /** Returns the state that a run begins with. */
  default ServerState start(Adapter first) {
    return ServerState.of(first);
  }

  /** Returns what the rule needs of the updates. */
  default Needs needs() {
    return Needs.EACH_UPDATE;
  }

  /** Selects the clients that train in this round, and their assignments. */
  RoundPlan configureFit(RoundContext round);

  /**
   * Makes the next state, with the next global adapter.
   *
   * @param updates at least one; each has the layout of the adapter that the client was sent and
   *     finite values, and counts at least one example
   * @return the next state, or {@code round.state()} to keep the present one
   */
  ServerState aggregateFit(RoundContext round, UpdateSet updates);

  /** Aggregates the clients' training metrics; by default means weighted by examples. */
  default Map<String, Double> aggregateFitMetrics(RoundContext round, List<ClientMetrics> clients) {
    return MetricsAggregation.meanByExamples().combine(round, clients);
  }

  /**
   * Selects the clients that evaluate the new adapter on their own held-out data; by default none.
   *
   * @param round the round, with the state that it made
   */
  default RoundPlan configureEvaluate(RoundContext round) {
    return RoundPlan.none();
  }

  /** Aggregates the clients' evaluation metrics; by default means by examples. */
  default Map<String, Double> aggregateEvaluate(RoundContext round, List<ClientMetrics> clients) {
    return MetricsAggregation.meanByExamples().combine(round, clients);
  }

  /**
   * Evaluates the global adapter on the server's own data; by default it does nothing. It is also
   * called once before the first round, with round 0.
   *
   * @return the measures by name
   */
  default Map<String, Double> evaluate(RoundContext round)
      throws IOException, InterruptedException {
    return Map.of();
  }

  /** Returns whether to end the run early; called after each closed round. */
  default boolean isOver(RoundContext round) {
    return false;
  }

  /** Returns federated averaging over all clients, weighted by examples. */
  static FedAvg fedAvg() {
    return FedAvg.overAllClients();
  }
}
