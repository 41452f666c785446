package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.metrics.Bootstrap;
import org.edgefit.metrics.ConfusionMatrix;
import org.edgefit.random.Seed;

/** The procedures with one base model, compared, beside the paper's numbers. */
final class Comparison {

  private static final List<String> METRICS = List.of("accuracy", "precision", "recall", "f1");

  /** The paper's table of Llama-2-7B: accuracy, precision, recall, F1. */
  private static final Map<Procedure, List<String>> PAPER = new EnumMap<>(Procedure.class);

  static {
    PAPER.put(Procedure.ZERO_SHOT, List.of("0.31", "0.28", "0.35", "0.31"));
    PAPER.put(Procedure.LOCAL_ONLY, List.of("0.78", "0.65", "0.88", "0.75"));
    PAPER.put(Procedure.CENTRALISED, List.of("0.93", "0.94", "0.92", "0.93"));
    PAPER.put(Procedure.FEDERATED, List.of("0.89", "0.87", "0.91", "0.89"));
  }

  private final ExperimentConfig config;
  private final List<Scoring> scorings;

  /** The intervals of what has been measured; a report is written often, and these take long. */
  private final IdentityHashMap<Measured, Map<Scoring, Map<String, Bootstrap.Interval>>> intervals =
      new IdentityHashMap<>();

  Comparison(ExperimentConfig config) {
    this.config = config;
    this.scorings = config.evaluation().scorings();
  }

  /** Tells the means over the seeds. */
  void overSeeds(Document document, Map<Long, Map<Procedure, List<Measured>>> seeds) {
    for (Scoring scoring : scorings) {
      document.subheading("By " + Section.spelled(scoring));
      List<List<String>> rows = new ArrayList<>();
      for (Procedure procedure : config.procedures()) {
        List<String> row = new ArrayList<>(List.of(Section.spelled(procedure)));
        for (String metric : METRICS) {
          double[] means =
              seeds.values().stream()
                  .filter(of -> of.containsKey(procedure))
                  .mapToDouble(
                      of -> mean(values(of.getOrDefault(procedure, List.of()), scoring, metric)))
                  .toArray();
          row.add(String.format(Locale.ROOT, "%.3f ± %.3f", mean(means), deviation(means)));
        }
        rows.add(row);
      }
      document.table(List.of("procedure", "accuracy", "precision", "recall", "macro-F1"), rows);
    }
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
    head.addAll(List.of("accuracy", "precision", "recall", "macro-F1", "invalid"));
    if (isFirst(scoring)) {
      head.add("validation macro-F1");
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
          row.add(invalid(measured, scoring));
          if (isFirst(scoring)) {
            double f1 = validationF1(measured);
            Numbers.Ranged number = new Numbers.Ranged(f1, f1, f1, "none");
            numbers.add(model, seed, procedure, scoring, "validation-f1", number);
            row.add(String.format(Locale.ROOT, "%.3f", f1));
          }
          row.add(
              String.format(
                  Locale.ROOT, "%.0f", measured.stream().mapToDouble(Measured::seconds).sum()));
          row.add(Document.megabytes(measured.stream().mapToLong(Measured::bytes).sum()));
          rows.add(row);
          List<String> paper = PAPER.get(procedure);
          if (paper != null && scoring == Scoring.GENERATION) {
            List<String> theirs = new ArrayList<>(List.of("the paper, Llama-2-7B"));
            theirs.addAll(paper);
            theirs.addAll(Collections.nCopies(row.size() - theirs.size(), ""));
            rows.add(theirs);
          }
        });
    return rows;
  }

  /** Tells each client alone, and their mean by how many records they have. */
  void clientsAlone(Document document, List<InstructionDataset> homes, List<Measured> alone) {
    document.subheading("Each client alone");
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
    List<String> last = new ArrayList<>(List.of("mean by records", Long.toString(all)));
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
    List<String> head = new ArrayList<>(List.of("is / was told"));
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

  private static double mean(double[] values) {
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
    double[] values = values(measured, scoring, metric);
    double mean = mean(values);
    if (values.length > 1) {
      double deviation = deviation(values);
      return new Numbers.Ranged(mean, mean - deviation, mean + deviation, "deviation");
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
        ? new Numbers.Ranged(mean, mean, mean, "none")
        : new Numbers.Ranged(mean, interval.low(), interval.high(), "bootstrap-95");
  }

  private static String text(Numbers.Ranged number, int clients) {
    return clients > 1
        ? String.format(Locale.ROOT, "%.3f ± %.3f", number.value(), number.high() - number.value())
        : String.format(
            Locale.ROOT, "%.3f (%.3f–%.3f)", number.value(), number.low(), number.high());
  }

  private static String invalid(List<Measured> measured, Scoring scoring) {
    if (scoring != Scoring.GENERATION) {
      return "";
    }
    long invalid = 0;
    long all = 0;
    for (Measured one : measured) {
      invalid += one.confusion(scoring).invalid();
      all += one.confusion(scoring).total();
    }
    return String.format(Locale.ROOT, "%.1f %%", 100.0 * invalid / all);
  }

  /** Returns the mean over the clients, or that of one. */
  static double validationF1(List<Measured> measured) {
    return mean(measured.stream().mapToDouble(Measured::validationF1).toArray());
  }
}
