package org.edgefit.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.edgefit.random.Seed;

/**
 * Confidence intervals of classification metrics by the percentile bootstrap (Efron 1979): cases
 * are resampled with replacement, and the interval ends are percentiles over the resamples. In a
 * resample that lacks a class, macro averages are over the others: a missing class is not an error
 * of the classifier.
 *
 * @param resamples the draws, >= 1
 * @param level the confidence level, in (0, 1)
 * @param seed the draws' seed
 */
public record Bootstrap(int resamples, double level, Seed seed) {

  /** Checks the ranges. */
  public Bootstrap {
    if (resamples < 1) {
      throw new IllegalArgumentException("resamples: " + resamples + " (expected: >= 1)");
    }
    if (!(level > 0 && level < 1)) {
      throw new IllegalArgumentException("level: " + level + " (expected: in (0, 1))");
    }
  }

  /** Returns 95 % intervals of 2,000 draws. */
  public static Bootstrap standard(Seed seed) {
    return new Bootstrap(2000, 0.95, seed);
  }

  /**
   * The ends of an interval.
   *
   * @param low the lower end
   * @param high the upper end
   */
  public record Interval(double low, double high) {}

  /**
   * Returns the interval of each of {@link ConfusionMatrix#metrics}.
   *
   * @param labels the classes
   * @param predictions the cases, at least one
   */
  public Map<String, Interval> intervals(List<String> labels, List<Prediction> predictions) {
    if (predictions.isEmpty()) {
      throw new IllegalArgumentException("predictions: none (expected: at least one)");
    }
    ConfusionMatrix all = ConfusionMatrix.of(labels, predictions);
    SplittableRandom random = seed.split("bootstrap").generator();
    Map<String, double[]> draws = new TreeMap<>();
    for (int i = 0; i < resamples; i++) {
      List<Prediction> drawn = new ArrayList<>(predictions.size());
      for (int j = 0; j < predictions.size(); j++) {
        drawn.add(predictions.get(random.nextInt(predictions.size())));
      }
      for (Map.Entry<String, Double> metric :
          metrics(ConfusionMatrix.of(labels, drawn), all).entrySet()) {
        draws.computeIfAbsent(metric.getKey(), name -> new double[resamples])[i] =
            metric.getValue();
      }
    }
    Map<String, Interval> intervals = new TreeMap<>();
    draws.forEach(
        (name, values) -> {
          Arrays.sort(values);
          intervals.put(
              name,
              new Interval(
                  percentile(values, (1 - level) / 2), percentile(values, (1 + level) / 2)));
        });
    return intervals;
  }

  /** Returns a draw's metrics, without the classes that it has left out of all cases. */
  private static Map<String, Double> metrics(ConfusionMatrix draw, ConfusionMatrix all) {
    List<String> counted =
        draw.labels().stream()
            .filter(label -> draw.support(label) > 0 || all.support(label) == 0)
            .toList();
    return Map.of(
        "accuracy", draw.accuracy(),
        "precision", mean(counted, draw::precision),
        "recall", mean(counted, draw::recall),
        "f1", mean(counted, draw::f1));
  }

  private static double mean(List<String> labels, ToDoubleFunction<String> metric) {
    return labels.stream().mapToDouble(metric).average().orElseThrow();
  }

  /** Returns a percentile of sorted values, between two of them by its distance to each. */
  private static double percentile(double[] sorted, double share) {
    double place = share * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(sorted.length - 1, below + 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
