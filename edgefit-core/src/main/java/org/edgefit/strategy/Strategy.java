package org.edgefit.strategy;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;

/**
 * The rule of a federation: pure steps on a state that the run saves. An implementation keeps
 * nothing in fields that change; so it resumes to the same bits without a line of its own. The
 * methods are called in their order here, once a round, by one thread; the names are Flower's.
 */
public interface Strategy {

  /**
   * Returns what makes this strategy what it is, by name: its parts and their numbers. It is
   * written to the run's manifest, and a run is resumed with the same alone.
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

  /** Chooses the clients that train in this round, and what each one is asked. */
  RoundPlan configureFit(RoundContext round);

  /**
   * Makes the next state, with the next global adapter.
   *
   * @param updates at least one; each has the layout of the adapter that the client was sent and
   *     finite values, and counts at least one example
   * @return the next state, or {@code round.state()} to keep the present one
   */
  ServerState aggregateFit(RoundContext round, UpdateSet updates);

  /**
   * Combines what the clients measured in training: the means by examples, unless told otherwise.
   */
  default Map<String, Double> aggregateFitMetrics(RoundContext round, List<ClientMetrics> clients) {
    return MetricsAggregation.meanByExamples().combine(round, clients);
  }

  /**
   * Chooses the clients that evaluate the new adapter on their own held-out data: none, unless a
   * strategy says otherwise.
   *
   * @param round the round, with the state that it made
   */
  default RoundPlan configureEvaluate(RoundContext round) {
    return RoundPlan.none();
  }

  /** Combines the clients' evaluations: the means by examples, unless told otherwise. */
  default Map<String, Double> aggregateEvaluate(RoundContext round, List<ClientMetrics> clients) {
    return MetricsAggregation.meanByExamples().combine(round, clients);
  }

  /**
   * Evaluates the global adapter at the server, on data of its own: nothing, unless a strategy says
   * otherwise. It is also called once before the first round, with round 0.
   *
   * @return the measures by name
   */
  default Map<String, Double> evaluate(RoundContext round)
      throws IOException, InterruptedException {
    return Map.of();
  }

  /** Returns whether the run is over before its last round; asked when a round has closed. */
  default boolean isOver(RoundContext round) {
    return false;
  }

  /** Returns federated averaging over all clients, weighted by examples. */
  static FedAvg fedAvg() {
    return FedAvg.overAllClients();
  }
}
