package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.metrics.Bootstrap;
import org.edgefit.metrics.ConfusionMatrix;
import org.edgefit.random.Seed;

/** The procedures with one base model, compared, beside the paper's numbers. */
final class Comparison {

  private static final List<String> METRICS = List.of("accuracy", "precision", "recall", "f1");

  private final ExperimentConfig config;
  private final List<Scoring> scorings;

  /** The intervals of what has been measured; a report is written often, and these take long. */
  private final IdentityHashMap<Measured, Map<Scoring, Map<String, Bootstrap.Interval>>> intervals =
      new IdentityHashMap<>();

  Comparison(ExperimentConfig config) {
    this.config = config;
    this.scorings = config.evaluation().scorings();
  }

  /** Tells the means over the seeds that have come to a procedure's end, and their deviation. */
  void overSeeds(Document document, Map<Long, Map<Procedure, List<Measured>>> seeds) {
    for (Scoring scoring : scorings) {
      document.subheading("By " + Section.spelled(scoring));
      List<List<String>> rows = new ArrayList<>();
      for (Procedure procedure : config.procedures()) {
        long ended = seeds.values().stream().filter(of -> of.containsKey(procedure)).count();
        List<String> row =
            new ArrayList<>(List.of(Section.spelled(procedure), Long.toString(ended)));
        for (String metric : METRICS) {
          double[] means = ofSeeds(seeds, procedure, scoring, metric);
          row.add(String.format(Locale.ROOT, "%.3f ± %.3f", mean(means), deviation(means)));
        }
        rows.add(row);
      }
      document.table(
          List.of("procedure", "seeds", "accuracy", "precision", "recall", "macro-F1"), rows);
    }
  }

  /** Returns a metric of each seed that has come to a procedure's end, the mean of its clients. */
  static double[] ofSeeds(
      Map<Long, Map<Procedure, List<Measured>>> seeds,
      Procedure procedure,
      Scoring scoring,
      String metric) {
    return seeds.values().stream()
        .filter(of -> of.containsKey(procedure))
        .mapToDouble(of -> mean(values(of.getOrDefault(procedure, List.of()), scoring, metric)))
        .toArray();
  }

  /** Tells what the procedures led to with one seed. */
  void write(
      Document document,
      Numbers numbers,
      String model,
      long seed,
      Map<Procedure, List<Measured>> of) {
    for (Scoring scoring : scorings) {
      document.subheading("By " + Section.spelled(scoring));
      document.table(head(scoring), rows(numbers, model, seed, of, scoring));
    }
  }

  private boolean isFirst(Scoring scoring) {
    return scoring == scorings.get(0);
  }

  private List<String> head(Scoring scoring) {
    List<String> head = new ArrayList<>(List.of("procedure"));
    head.addAll(List.of("accuracy", "precision", "recall", "macro-F1"));
    if (scoring == Scoring.GENERATION) {
      head.add("invalid");
    }
    if (isFirst(scoring)) {
      head.add("validation");
    }
    head.addAll(List.of("s", "MB"));
    return head;
  }

  private List<List<String>> rows(
      Numbers numbers,
      String model,
      long seed,
      Map<Procedure, List<Measured>> of,
      Scoring scoring) {
    List<List<String>> rows = new ArrayList<>();
    of.forEach(
        (procedure, measured) -> {
          List<String> row = new ArrayList<>(List.of(Section.spelled(procedure)));
          for (String metric : METRICS) {
            Numbers.Ranged number = number(seed, scoring, metric, measured);
            numbers.add(model, seed, procedure, scoring, metric, number);
            row.add(text(number, measured.size()));
          }
          if (scoring == Scoring.GENERATION) {
            row.add(invalid(measured));
          }
          if (isFirst(scoring)) {
            row.add(String.format(Locale.ROOT, "%.3f", validationF1(measured)));
          }
          double seconds = measured.stream().mapToDouble(Measured::seconds).sum();
          long bytes = measured.stream().mapToLong(Measured::bytes).sum();
          row.add(String.format(Locale.ROOT, "%.0f", seconds));
          row.add(Document.megabytes(bytes));
          rows.add(row);
          if (isFirst(scoring)) {
            numbers.add(model, seed, procedure, scoring, "seconds", spread(seconds));
            numbers.add(model, seed, procedure, scoring, "bytes", spread((double) bytes));
          }
          more(measured, scoring)
              .forEach(
                  (metric, values) ->
                      numbers.add(model, seed, procedure, scoring, metric, spread(values)));
          PaperModel paper = PaperModel.beside(model);
          List<String> metrics = paper.metrics().get(procedure);
          if (metrics != null && scoring == Scoring.GENERATION) {
            List<String> theirs = new ArrayList<>(List.of("the paper, " + paper.name()));
            theirs.addAll(metrics);
            theirs.addAll(Collections.nCopies(row.size() - theirs.size(), ""));
            rows.add(theirs);
          }
        });
    return rows;
  }

  /** Returns the extra machine-readable metrics, of one or of each client. */
  private Map<String, double[]> more(List<Measured> measured, Scoring scoring) {
    Map<String, ToDoubleFunction<Measured>> metrics = new LinkedHashMap<>();
    metrics.put(
        "invalid",
        one -> one.confusion(scoring).invalid() / (double) one.confusion(scoring).total());
    if (isFirst(scoring)) {
      metrics.put("validation-f1", Measured::validationF1);
    }
    for (String label : measured.get(0).labels()) {
      metrics.put("precision of " + label, one -> one.confusion(scoring).precision(label));
      metrics.put("recall of " + label, one -> one.confusion(scoring).recall(label));
      metrics.put("f1 of " + label, one -> one.confusion(scoring).f1(label));
    }
    Map<String, double[]> values = new LinkedHashMap<>();
    metrics.forEach(
        (name, metric) -> values.put(name, measured.stream().mapToDouble(metric).toArray()));
    return values;
  }

  /** Tells each client alone, and their mean by how many records they have. */
  void clientsAlone(Document document, List<InstructionDataset> homes, List<Measured> alone) {
    document.subheading("Local-only");
    List<String> head = new ArrayList<>(List.of("client", "records"));
    scorings.forEach(scoring -> head.add("macro-F1 by " + Section.spelled(scoring)));
    List<List<String>> rows = new ArrayList<>();
    double[] weighted = new double[scorings.size()];
    long all = 0;
    for (int client = 0; client < alone.size(); client++) {
      int size = homes.get(client).size();
      all += size;
      List<String> row = new ArrayList<>(List.of(Trial.clientId(client), Integer.toString(size)));
      for (int i = 0; i < weighted.length; i++) {
        double f1 = alone.get(client).confusion(scorings.get(i)).macroF1();
        weighted[i] += size * f1;
        row.add(String.format(Locale.ROOT, "%.3f", f1));
      }
      rows.add(row);
    }
    List<String> last = new ArrayList<>(List.of("weighted mean", Long.toString(all)));
    for (double sum : weighted) {
      last.add(String.format(Locale.ROOT, "%.3f", sum / all));
    }
    rows.add(last);
    document.table(head, rows);
  }

  /** Tells the confusion matrices of the procedures that lead to one adapter. */
  void confusions(Document document, Map<Procedure, List<Measured>> of) {
    of.forEach(
        (procedure, measured) -> {
          if (measured.size() == 1) {
            for (Scoring scoring : scorings) {
              document.subheading(
                  "Confusion, " + Section.spelled(procedure) + ", by " + Section.spelled(scoring));
              confusion(document, measured.get(0).confusion(scoring));
            }
          }
        });
  }

  private static void confusion(Document document, ConfusionMatrix matrix) {
    List<String> head = new ArrayList<>(List.of("true / pred."));
    head.addAll(matrix.labels());
    head.add("no class");
    head.add("F1");
    List<List<String>> rows = new ArrayList<>();
    for (String truth : matrix.labels()) {
      List<String> row = new ArrayList<>(List.of(truth));
      for (String predicted : matrix.labels()) {
        row.add(Long.toString(matrix.count(truth, predicted)));
      }
      row.add(Long.toString(matrix.invalid(truth)));
      row.add(String.format(Locale.ROOT, "%.3f", matrix.f1(truth)));
      rows.add(row);
    }
    document.table(head, rows);
  }

  private static double[] values(List<Measured> measured, Scoring scoring, String metric) {
    return measured.stream()
        .mapToDouble(one -> one.confusion(scoring).metrics().getOrDefault(metric, 0.0))
        .toArray();
  }

  static double mean(double[] values) {
    return DoubleStream.of(values).average().orElse(Double.NaN);
  }

  private static double deviation(double[] values) {
    double mean = mean(values);
    double squares = DoubleStream.of(values).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / Math.max(1, values.length - 1));
  }

  /** Returns a mean with its spread over clients, or one value with its interval. */
  private Numbers.Ranged number(
      long seed, Scoring scoring, String metric, List<Measured> measured) {
    Numbers.Ranged number = spread(values(measured, scoring, metric));
    if (measured.size() > 1) {
      return number;
    }
    Measured one = measured.get(0);
    Bootstrap.Interval interval =
        intervals
            .computeIfAbsent(one, of -> new EnumMap<>(Scoring.class))
            .computeIfAbsent(
                scoring,
                of ->
                    new Bootstrap(config.evaluation().resamples(), 0.95, new Seed(seed))
                        .intervals(one.labels(), one.cases(of)))
            .get(metric);
    return interval == null
        ? number
        : new Numbers.Ranged(number.value(), interval.low(), interval.high(), "bootstrap-95");
  }

  /** Returns a mean with its deviation over clients, or one value without a range. */
  private static Numbers.Ranged spread(double... values) {
    double mean = mean(values);
    double deviation = deviation(values);
    return new Numbers.Ranged(
        mean, mean - deviation, mean + deviation, values.length > 1 ? "deviation" : "none");
  }

  private static String text(Numbers.Ranged number, int clients) {
    return clients > 1
        ? String.format(Locale.ROOT, "%.3f ± %.3f", number.value(), number.high() - number.value())
        : String.format(
            Locale.ROOT, "%.3f (%.3f–%.3f)", number.value(), number.low(), number.high());
  }

  private static String invalid(List<Measured> measured) {
    long invalid = 0;
    long all = 0;
    for (Measured one : measured) {
      invalid += one.confusion(Scoring.GENERATION).invalid();
      all += one.confusion(Scoring.GENERATION).total();
    }
    return String.format(Locale.ROOT, "%.1f %%", 100.0 * invalid / all);
  }

  /** Returns the mean over the clients, or that of one. */
  static double validationF1(List<Measured> measured) {
    return mean(measured.stream().mapToDouble(Measured::validationF1).toArray());
  }
}
