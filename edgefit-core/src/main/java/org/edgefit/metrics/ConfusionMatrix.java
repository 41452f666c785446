package org.edgefit.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Counts of true and predicted classes, and what follows from them. A ratio 0 / 0 is 0, as in
 * scikit-learn.
 */
public final class ConfusionMatrix {

  private final List<String> labels;
  private final long[][] counts; // [true][predicted], and last those that are no class

  /**
   * Makes an empty matrix.
   *
   * @param labels the classes, at least one, none twice
   */
  public ConfusionMatrix(List<String> labels) {
    if (labels.isEmpty() || labels.stream().distinct().count() != labels.size()) {
      throw new IllegalArgumentException(
          "labels: " + labels + " (expected: at least one, none twice)");
    }
    this.labels = List.copyOf(labels);
    this.counts = new long[labels.size()][labels.size() + 1];
  }

  /** Returns the matrix of some cases. */
  public static ConfusionMatrix of(List<String> labels, List<Prediction> predictions) {
    ConfusionMatrix matrix = new ConfusionMatrix(labels);
    for (Prediction prediction : predictions) {
      String predicted = prediction.predicted();
      if (predicted == null) {
        matrix.addInvalid(prediction.truth());
      } else {
        matrix.add(prediction.truth(), predicted);
      }
    }
    return matrix;
  }

  /** Counts one case. */
  public void add(String truth, String predicted) {
    counts[index(truth)][index(predicted)]++;
  }

  /** Counts an invalid answer: it is wrong, and in no class's column. */
  public void addInvalid(String truth) {
    counts[index(truth)][labels.size()]++;
  }

  /** Returns how many answers were none of the classes. */
  public long invalid() {
    return column(labels.size());
  }

  /** Returns how many cases of class {@code truth} had an answer that is none of the classes. */
  public long invalid(String truth) {
    return counts[index(truth)][labels.size()];
  }

  private int index(String label) {
    int index = labels.indexOf(label);
    if (index < 0) {
      throw new IllegalArgumentException("label: " + label + " (expected: one of " + labels + ")");
    }
    return index;
  }

  /** Returns the classes. */
  public List<String> labels() {
    return labels;
  }

  /** Returns how many cases of class {@code truth} were given class {@code predicted}. */
  public long count(String truth, String predicted) {
    return counts[index(truth)][index(predicted)];
  }

  /** Returns how many cases have this class. */
  public long support(String label) {
    return row(index(label));
  }

  /** Returns the number of cases. */
  public long total() {
    long total = 0;
    for (int i = 0; i < counts.length; i++) {
      total += row(i);
    }
    return total;
  }

  private long row(int truth) {
    long sum = 0;
    for (long count : counts[truth]) {
      sum += count;
    }
    return sum;
  }

  private long column(int predicted) {
    long sum = 0;
    for (long[] row : counts) {
      sum += row[predicted];
    }
    return sum;
  }

  /** Returns the share of correct predictions. */
  public double accuracy() {
    long right = 0;
    for (int i = 0; i < counts.length; i++) {
      right += counts[i][i];
    }
    return ratio(right, total());
  }

  /** Returns the share of predictions of this class that are correct. */
  public double precision(String label) {
    int i = index(label);
    return ratio(counts[i][i], column(i));
  }

  /** Returns the share of cases of this class that are predicted. */
  public double recall(String label) {
    int i = index(label);
    return ratio(counts[i][i], row(i));
  }

  /** Returns the harmonic mean of precision and recall. */
  public double f1(String label) {
    int i = index(label);
    return ratio(2 * counts[i][i], row(i) + column(i));
  }

  /** Returns the mean of the classes' precisions. */
  public double macroPrecision() {
    return labels.stream().mapToDouble(this::precision).average().orElseThrow();
  }

  /** Returns the mean of the classes' recalls. */
  public double macroRecall() {
    return labels.stream().mapToDouble(this::recall).average().orElseThrow();
  }

  /** Returns the mean of the classes' F1. */
  public double macroF1() {
    return labels.stream().mapToDouble(this::f1).average().orElseThrow();
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  /** Returns the metrics by the names that a run's records use. */
  public Map<String, Double> metrics() {
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put("accuracy", accuracy());
    metrics.put("precision", macroPrecision());
    metrics.put("recall", macroRecall());
    metrics.put("f1", macroF1());
    return metrics;
  }

  /** Returns a table: a line per class with its precision, recall, F1 and cases, then the means. */
  public String report() {
    List<String> lines = new ArrayList<>();
    int width = Math.max(8, labels.stream().mapToInt(String::length).max().orElse(0));
    lines.add(
        String.format(Locale.ROOT, "%-" + width + "s  precision  recall      f1   cases", "class"));
    String row = "%-" + width + "s     %6.3f  %6.3f  %6.3f  %6d";
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i);
      lines.add(
          String.format(
              Locale.ROOT, row, label, precision(label), recall(label), f1(label), row(i)));
    }
    lines.add(
        String.format(
            Locale.ROOT, row, "macro", macroPrecision(), macroRecall(), macroF1(), total()));
    lines.add(String.format(Locale.ROOT, "accuracy %.3f", accuracy()));
    return String.join("\n", lines) + "\n";
  }
}
