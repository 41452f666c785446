package org.edgefit.strategy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Training;

/**
 * The rule of a federation. The methods are called in their order here, once a round, by one
 * thread; the names are Flower's.
 */
public interface Strategy {

  /** Chooses the clients that train in this round, and each one's settings. */
  Map<String, Training> configureFit(RoundContext context);

  /**
   * Makes the next global adapter.
   *
   * @param outcomes one per client that was asked, in client-id order; every change in them has the
   *     adapter's layout and finite values, and counts more than zero examples
   * @return the next adapter, or empty to keep the present one
   */
  Optional<Adapter> aggregateFit(RoundContext context, List<FitOutcome> outcomes);

  /**
   * Chooses the clients that evaluate the new adapter on their own held-out data: none, unless a
   * strategy says otherwise.
   *
   * @param context the round, with the adapter that it made
   */
  default List<String> configureEvaluate(RoundContext context) {
    return List.of();
  }

  /**
   * Combines the clients' evaluations: the mean of each measure, weighted by examples, over the
   * clients that report it.
   *
   * @param outcomes one per client that was asked, in client-id order
   */
  default Map<String, Double> aggregateEvaluate(
      RoundContext context, List<EvaluateOutcome> outcomes) {
    Map<String, Double> sums = new TreeMap<>();
    Map<String, Long> weights = new LinkedHashMap<>();
    for (EvaluateOutcome outcome : outcomes) {
      if (outcome instanceof EvaluateOutcome.Evaluated evaluated) {
        evaluated
            .metrics()
            .forEach(
                (name, value) -> {
                  sums.merge(name, value * evaluated.examples(), Double::sum);
                  weights.merge(name, evaluated.examples(), Long::sum);
                });
      }
    }
    sums.replaceAll((name, sum) -> sum / weights.getOrDefault(name, 1L));
    return sums;
  }

  /**
   * Evaluates the global adapter at the server, on data of its own: nothing, unless a strategy says
   * otherwise. It is also called once before the first round, with round 0.
   *
   * @return the measures by name
   */
  default Map<String, Double> evaluate(RoundContext context) {
    return Map.of();
  }

  /** Returns federated averaging over all clients, weighted by examples. */
  static FedAvg fedAvg() {
    return FedAvg.overAllClients();
  }
}
