package org.edgefit.strategy;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes one measure of many clients' (Flower's {@code fit_metrics_aggregation_fn}). */
@FunctionalInterface
public interface MetricsAggregation {

  /**
   * Returns the combined measures; one that is not finite is left out by the run, which says so.
   *
   * @param clients what each client measured, in client-id order; may be empty
   */
  Map<String, Double> combine(RoundContext round, List<ClientMetrics> clients);

  /** Returns the mean of each measure, weighted by examples, over the clients that report it. */
  static MetricsAggregation meanByExamples() {
    return new MeanByExamples();
  }

  /** Returns the sum of each measure over the clients that report it. */
  static MetricsAggregation sum() {
    return new Sum();
  }

  /** The mean by examples. */
  record MeanByExamples() implements MetricsAggregation {
    @Override
    public Map<String, Double> combine(RoundContext round, List<ClientMetrics> clients) {
      Map<String, Double> sums = new TreeMap<>();
      Map<String, Double> weights = new TreeMap<>();
      for (ClientMetrics client : clients) {
        client
            .metrics()
            .forEach(
                (name, value) -> {
                  sums.merge(name, value * client.examples(), Double::sum);
                  weights.merge(name, (double) client.examples(), Double::sum);
                });
      }
      sums.replaceAll((name, sum) -> sum / weights.getOrDefault(name, 1.0));
      return sums;
    }
  }

  /** The sum. */
  record Sum() implements MetricsAggregation {
    @Override
    public Map<String, Double> combine(RoundContext round, List<ClientMetrics> clients) {
      Map<String, Double> sums = new TreeMap<>();
      clients.forEach(
          client ->
              client.metrics().forEach((name, value) -> sums.merge(name, value, Double::sum)));
      return sums;
    }
  }
}
