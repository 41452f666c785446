package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.format.DurableFiles;
import org.edgefit.format.Json;
import org.edgefit.metrics.Bootstrap;
import org.edgefit.metrics.ConfusionMatrix;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/** What an experiment found, beside the numbers of the Edge-FIT paper. */
final class ExperimentReport {

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
  private final Document document;
  private final Map<String, Object> numbers = new LinkedHashMap<>();
  private final StringBuilder csv =
      new StringBuilder("model,seed,procedure,scoring,metric,value,low,high\n");

  ExperimentReport(ExperimentConfig config) {
    this.config = config;
    this.document = new Document("Experiment: " + config.name());
    document.paragraph(
        String.format(
            Locale.ROOT,
            "%d clients, %d of them in each of %d rounds, %d local epochs, rank %d, learning rate"
                + " %s, Dirichlet(%s). Alone, clients train %d epochs and the centralised procedure"
                + " %d. Seeds: %s.",
            config.partition().clients(),
            config.federated().clientsPerRound(),
            config.federated().rounds(),
            config.training().epochs(),
            config.lora().rank(),
            config.training().learningRate(),
            config.partition().alpha(),
            config.alone().localEpochs(),
            config.alone().centralisedEpochs(),
            config.seeds()));
  }

  /** Adds the records of a seed: how many each rule kept, a sample, and who has what. */
  void data(long seed, ExperimentData data) {
    document.heading("Data, seed " + seed);
    data.notes()
        .forEach(
            (source, note) -> {
              document.subheading(source);
              document.preformatted(note);
            });
    document.subheading("Records of each client");
    TreeSet<String> keys = new TreeSet<>();
    List<Map<String, Integer>> counts = new ArrayList<>();
    for (InstructionDataset part : data.homes().parts()) {
      Map<String, Integer> count = new TreeMap<>();
      for (InstructionRecord record : part.records()) {
        count.merge(ExperimentData.SKEW_KEY.apply(record), 1, Integer::sum);
      }
      keys.addAll(count.keySet());
      counts.add(count);
    }
    List<String> head = new ArrayList<>(List.of("client"));
    head.addAll(keys);
    head.add("all");
    List<List<String>> rows = new ArrayList<>();
    for (int client = 0; client < counts.size(); client++) {
      List<String> row = new ArrayList<>(List.of("home-" + client));
      for (String key : keys) {
        row.add(Integer.toString(counts.get(client).getOrDefault(key, 0)));
      }
      row.add(Integer.toString(data.homes().parts().get(client).size()));
      rows.add(row);
    }
    document.drawing(
        "skew-" + seed,
        "the records of each client by class",
        SkewChart.svg(List.copyOf(keys), counts));
    document.table(head, rows);
    document.paragraph(
        data.validation().size()
            + " validation and "
            + data.test().size()
            + " test records of the classes "
            + data.labels()
            + ".");
  }

  /** Adds what the procedures led to with one model and one seed. */
  void results(String model, long seed, Map<Procedure, List<Measured>> results) {
    document.heading(model + ", seed " + seed);
    for (Scoring scoring : config.evaluation().scorings()) {
      document.subheading("By " + Section.spelled(scoring));
      table(model, seed, results, scoring);
    }
    Measured federated = first(results, Procedure.FEDERATED);
    if (federated != null) {
      LineChart chart = new LineChart("macro-F1 by round");
      chart.add("federated (validation)", federated.curve());
      Measured centralised = first(results, Procedure.CENTRALISED);
      String about = "macro-F1 by round of the federated procedure";
      if (centralised != null) {
        double level = centralised.confusion(config.evaluation().scorings().get(0)).macroF1();
        chart.add("centralised (test)", federated.curve().stream().map(point -> level).toList());
        about += ", and that of the centralised on the test records";
      }
      document.drawing("curve-" + BaseModels.folder(model) + "-" + seed, about, chart.svg());
    }
    results.forEach(
        (procedure, measured) -> {
          if (measured.size() == 1) {
            for (Scoring scoring : config.evaluation().scorings()) {
              document.subheading(
                  "Confusion, " + Section.spelled(procedure) + ", by " + Section.spelled(scoring));
              confusion(measured.get(0).confusion(scoring));
            }
          }
        });
  }

  private static @Nullable Measured first(
      Map<Procedure, List<Measured>> results, Procedure procedure) {
    List<Measured> measured = results.getOrDefault(procedure, List.of());
    return measured.isEmpty() ? null : measured.get(0);
  }

  private void table(
      String model, long seed, Map<Procedure, List<Measured>> results, Scoring scoring) {
    List<List<String>> rows = new ArrayList<>();
    results.forEach(
        (procedure, measured) -> {
          List<String> row = new ArrayList<>(List.of(Section.spelled(procedure)));
          for (String metric : METRICS) {
            row.add(cell(model, seed, procedure, scoring, metric, measured));
          }
          row.add(invalid(measured, scoring));
          row.add(
              String.format(
                  Locale.ROOT, "%.0f", measured.stream().mapToDouble(Measured::seconds).sum()));
          row.add(
              String.format(
                  Locale.ROOT, "%.1f", measured.stream().mapToLong(Measured::bytes).sum() / 1e6));
          rows.add(row);
          List<String> paper = PAPER.get(procedure);
          if (paper != null && scoring == Scoring.GENERATION) {
            List<String> theirs = new ArrayList<>(List.of("the paper, Llama-2-7B"));
            theirs.addAll(paper);
            theirs.addAll(List.of("", "", ""));
            rows.add(theirs);
          }
        });
    document.table(
        List.of("procedure", "accuracy", "precision", "recall", "macro-F1", "invalid", "s", "MB"),
        rows);
  }

  /** Returns a mean with its spread over clients, or one value with its interval. */
  private String cell(
      String model,
      long seed,
      Procedure procedure,
      Scoring scoring,
      String metric,
      List<Measured> measured) {
    double[] values =
        measured.stream()
            .mapToDouble(one -> one.confusion(scoring).metrics().getOrDefault(metric, 0.0))
            .toArray();
    double mean = DoubleStream.of(values).average().orElse(Double.NaN);
    Map<String, Object> of = new LinkedHashMap<>();
    of.put("value", mean);
    String text = String.format(Locale.ROOT, "%.3f", mean);
    double low = mean;
    double high = mean;
    if (values.length == 1) {
      Bootstrap.Interval interval =
          new Bootstrap(config.evaluation().resamples(), 0.95, new Seed(seed))
              .intervals(measured.get(0).labels(), measured.get(0).cases(scoring))
              .get(metric);
      if (interval != null) {
        low = interval.low();
        high = interval.high();
      }
      text += String.format(Locale.ROOT, " (%.3f–%.3f)", low, high);
    } else {
      double squares = DoubleStream.of(values).map(value -> (value - mean) * (value - mean)).sum();
      double deviation = Math.sqrt(squares / Math.max(1, values.length - 1));
      low = mean - deviation;
      high = mean + deviation;
      text += String.format(Locale.ROOT, " ± %.3f", deviation);
    }
    of.put("low", low);
    of.put("high", high);
    String key =
        String.join(
            "/",
            model,
            Long.toString(seed),
            Section.spelled(procedure),
            Section.spelled(scoring),
            metric);
    numbers.put(key, of);
    csv.append(
        String.format(
            Locale.ROOT,
            "%s,%d,%s,%s,%s,%.6f,%.6f,%.6f%n",
            model.replace(',', ' '),
            seed,
            Section.spelled(procedure),
            Section.spelled(scoring),
            metric,
            mean,
            low,
            high));
    return text;
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

  private void confusion(ConfusionMatrix matrix) {
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

  /**
   * Writes {@code report.html}, {@code report.md}, {@code numbers.json} and {@code numbers.csv}.
   */
  void write(Path folder) throws IOException {
    document.paragraph(
        "In brackets: 95 % intervals by bootstrap over the test records. ±: the standard deviation"
            + " over the clients. s: the seconds of training, of all clients together where each"
            + " trained alone, and of all rounds with their validation in the federation. MB: what"
            + " was sent both ways. The paper measured other models on other data.");
    document.write(folder);
    DurableFiles.write(folder.resolve("numbers.json"), Json.tree(numbers).toPrettyString() + "\n");
    DurableFiles.write(folder.resolve("numbers.csv"), csv.toString());
  }
}
