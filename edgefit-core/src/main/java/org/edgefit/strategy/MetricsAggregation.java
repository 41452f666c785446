package org.edgefit.strategy;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Aggregates client metrics (Flower's {@code fit_metrics_aggregation_fn}). */
@FunctionalInterface
public interface MetricsAggregation {

  /**
   * Returns the aggregated metrics; the run drops a non-finite one with a note.
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
      Map<String, Double> scales = new TreeMap<>();
      for (ClientMetrics client : clients) {
        client
            .metrics()
            .forEach(
                (name, value) -> {
                  weights.merge(name, (double) client.examples(), Double::sum);
                  scales.merge(name, scale(value), Math::max);
                });
      }
      for (ClientMetrics client : clients) {
        client
            .metrics()
            .forEach(
                (name, value) ->
                    sums.merge(
                        name,
                        value / scales.getOrDefault(name, 1.0) * client.examples(),
                        Double::sum));
      }
      sums.replaceAll(
          (name, sum) -> sum / weights.getOrDefault(name, 1.0) * scales.getOrDefault(name, 1.0));
      return sums;
    }

    /** Returns a power of two by which values are divided, exactly, so that no sum overflows. */
    private static double scale(double value) {
      return Math.abs(value) < 0x1p500 ? 1 : 0x1p500;
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
