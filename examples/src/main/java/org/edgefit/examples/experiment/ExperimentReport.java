package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.format.ModelConfig;
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

  /**
   * The paper's table of model sizes: the client's memory, and macro-F1 of three procedures.
   *
   * @param f1 zero-shot, centralised, federated
   */
  private record PaperSize(String model, String memory, List<String> f1) {}

  private static final Map<String, PaperSize> PAPER_SIZES = new LinkedHashMap<>();

  static {
    PAPER_SIZES.put(
        "llama-2-7b", new PaperSize("Llama-2-7B", "24 GB", List.of("0.31", "0.93", "0.89")));
    PAPER_SIZES.put(
        "phi-3-mini", new PaperSize("Phi-3-mini", "8 GB", List.of("0.22", "0.81", "0.80")));
  }

  private final ExperimentConfig config;
  private final Map<String, Tiers> tiers;
  private final Map<Long, ExperimentData> data = new LinkedHashMap<>();
  private final Map<String, Map<Long, Map<Procedure, List<Measured>>>> results =
      new LinkedHashMap<>();
  private final List<MeasuredMemory> memory = new ArrayList<>();

  /** The intervals of what has been measured; a report is written often, and these take long. */
  private final IdentityHashMap<Measured, Map<Scoring, Map<String, Bootstrap.Interval>>> intervals =
      new IdentityHashMap<>();

  private Document document = new Document("");
  private Numbers numbers = new Numbers();

  /**
   * Makes an empty report.
   *
   * @param tiers the devices of each model's clients
   */
  ExperimentReport(ExperimentConfig config, Map<String, Tiers> tiers) {
    this.config = config;
    this.tiers = tiers;
  }

  /** Adds the records of a seed. */
  void data(long seed, ExperimentData records) {
    data.put(seed, records);
  }

  /** Sets what the procedures have led to so far with one model and one seed. */
  void results(String model, long seed, Map<Procedure, List<Measured>> soFar) {
    results.computeIfAbsent(model, m -> new LinkedHashMap<>()).put(seed, new EnumMap<>(soFar));
  }

  /** Adds the memory of the shapes. */
  void memory(List<MeasuredMemory> measured) {
    memory.addAll(measured);
  }

  /**
   * Writes {@code report.html}, {@code report.md}, {@code numbers.json} and {@code numbers.csv}.
   */
  void write(Path folder) throws IOException {
    document = new Document("Experiment: " + config.name());
    numbers = new Numbers();
    setting();
    results.forEach(
        (model, seeds) -> {
          if (seeds.size() > 1) {
            overSeeds(model, seeds);
          }
          seeds.forEach((seed, of) -> comparison(model, seed, of));
        });
    paperSizes();
    data.forEach(this::records);
    document.write(folder);
    numbers.write(folder);
  }

  private void setting() {
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
    document.paragraph(
        "In brackets: 95 % intervals by bootstrap over the test records. ±: the standard deviation"
            + " over the clients. s: the seconds of training, summed over the clients where each"
            + " trained alone, and of all rounds with their validation in the federation. MB: what"
            + " was sent both ways. The paper measured other models on other data.");
  }

  private void overSeeds(String model, Map<Long, Map<Procedure, List<Measured>>> seeds) {
    document.heading(model + ", mean over seeds");
    for (Scoring scoring : config.evaluation().scorings()) {
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

  private void comparison(String model, long seed, Map<Procedure, List<Measured>> of) {
    document.heading(model + ", seed " + seed);
    for (Scoring scoring : config.evaluation().scorings()) {
      document.subheading("By " + Section.spelled(scoring));
      table(model, seed, of, scoring);
    }
    List<Measured> alone = of.getOrDefault(Procedure.LOCAL_ONLY, List.of());
    if (!alone.isEmpty()) {
      clientsAlone(seed, alone);
    }
    Measured federated = first(of, Procedure.FEDERATED);
    if (federated != null) {
      curve(model, seed, federated, first(of, Procedure.CENTRALISED));
      rounds(federated);
      Tiers own = tiers.get(model);
      if (own != null && !own.fits().isEmpty()) {
        devices(own, federated);
      }
    }
    of.forEach(
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

  private void table(String model, long seed, Map<Procedure, List<Measured>> of, Scoring scoring) {
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
          row.add(
              String.format(
                  Locale.ROOT, "%.0f", measured.stream().mapToDouble(Measured::seconds).sum()));
          row.add(megabytes(measured.stream().mapToLong(Measured::bytes).sum()));
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

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / 1e6);
  }

  /** Tells each client alone, and their mean by how many records they have. */
  private void clientsAlone(long seed, List<Measured> alone) {
    document.subheading("Each client alone");
    List<String> head = new ArrayList<>(List.of("client", "records"));
    config
        .evaluation()
        .scorings()
        .forEach(scoring -> head.add("macro-F1 by " + Section.spelled(scoring)));
    List<List<String>> rows = new ArrayList<>();
    ExperimentData records = data.get(seed);
    double[] weighted = new double[config.evaluation().scorings().size()];
    long all = 0;
    for (int client = 0; client < alone.size(); client++) {
      int size = records == null ? 0 : records.homes().parts().get(client).size();
      all += size;
      List<String> row = new ArrayList<>(List.of(Trial.clientId(client), Integer.toString(size)));
      for (int i = 0; i < weighted.length; i++) {
        double f1 = alone.get(client).confusion(config.evaluation().scorings().get(i)).macroF1();
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

  private void curve(String model, long seed, Measured federated, @Nullable Measured centralised) {
    LineChart chart = new LineChart("macro-F1 by round");
    List<Double> points = federated.rounds().stream().map(Measured.Round::f1).toList();
    chart.add("federated (validation)", points);
    String about = "macro-F1 by round of the federated procedure";
    if (centralised != null) {
      double level = centralised.confusion(config.evaluation().scorings().get(0)).macroF1();
      chart.add("centralised (test)", points.stream().map(point -> level).toList());
      about += ", and that of the centralised on the test records";
    }
    document.drawing("curve-" + BaseModels.folder(model) + "-" + seed, about, chart.svg());
  }

  private void rounds(Measured federated) {
    document.subheading("Rounds");
    boolean isVirtual = federated.rounds().stream().anyMatch(round -> round.virtualSeconds() > 0);
    List<String> head =
        new ArrayList<>(List.of("round", "validation macro-F1", "trained", "MB", "s here"));
    if (isVirtual) {
      head.addAll(List.of("s on the tiers", "s from the start"));
    }
    List<List<String>> rows = new ArrayList<>();
    double elapsed = 0;
    for (int i = 0; i < federated.rounds().size(); i++) {
      Measured.Round round = federated.rounds().get(i);
      elapsed += round.virtualSeconds();
      List<String> row =
          new ArrayList<>(
              List.of(
                  Integer.toString(i),
                  String.format(Locale.ROOT, "%.3f", round.f1()),
                  round.trained() + " of " + round.asked(),
                  megabytes(round.bytes()),
                  String.format(Locale.ROOT, "%.0f", round.seconds())));
      if (isVirtual) {
        row.add(String.format(Locale.ROOT, "%.1f", round.virtualSeconds()));
        row.add(String.format(Locale.ROOT, "%.1f", elapsed));
      }
      rows.add(row);
    }
    document.table(head, rows);
    if (federated.rounds().stream().noneMatch(round -> round.trained() > 0)) {
      document.paragraph("No client's training ever counted: this is the base model.");
    }
    document.paragraph(
        "Validation macro-F1 of "
            + config.federated().targetF1()
            + ": "
            + target(federated.rounds(), isVirtual));
  }

  private String target(List<Measured.Round> rounds, boolean isVirtual) {
    double seconds = 0;
    long bytes = 0;
    for (int i = 0; i < rounds.size(); i++) {
      seconds += isVirtual ? rounds.get(i).virtualSeconds() : rounds.get(i).seconds();
      bytes += rounds.get(i).bytes();
      if (rounds.get(i).f1() >= config.federated().targetF1()) {
        return String.format(
            Locale.ROOT,
            "after round %d, %.1f s %s and %s MB.",
            i,
            seconds,
            isVirtual ? "on the tiers" : "here",
            megabytes(bytes));
      }
    }
    return "not reached.";
  }

  /** Tells what the rounds would take on the tiers' devices. */
  private void devices(Tiers own, Measured federated) {
    document.subheading("Tiers");
    List<List<String>> rows = new ArrayList<>();
    int clients = config.partition().clients();
    for (int t = 0; t < own.fits().size(); t++) {
      Tiers.Fit fit = own.fits().get(t);
      int tier = t;
      long count =
          IntStream.range(0, clients)
              .filter(client -> own.of(client).equals(own.fits().get(tier)))
              .count();
      rows.add(
          List.of(
              fit.tier().name(),
              fit.tier().device().name(),
              Long.toString(count),
              String.format(Locale.ROOT, "%.1f", fit.bytes() / 1e9),
              String.format(Locale.ROOT, "%.1f", fit.tier().device().memoryBytes() / 1e9),
              fit.layersKept() + " of " + fit.layers(),
              String.format(Locale.ROOT, "%.2f", fit.tier().device().flopsPerSecond() / 1e12),
              String.format(Locale.ROOT, "%.0f %%", 100 * fit.tier().device().dropout())));
    }
    document.table(
        List.of(
            "tier", "device", "clients", "planned GB", "of GB", "layers kept", "TFLOPS", "leave"),
        rows);
    double all = 0;
    double waited = 0;
    int asked = 0;
    int trained = 0;
    for (Measured.Round round : federated.rounds()) {
      all += round.virtualSeconds();
      waited += round.waited();
      asked += round.asked();
      trained += round.trained();
    }
    document.paragraph(
        String.format(
            Locale.ROOT,
            "On the virtual clock all rounds take %.1f s. The first client of a round would wait"
                + " %.0f %% of that for the last; %d of %d asked clients left, came too late or failed.",
            all,
            all > 0 ? 100 * waited / all : 0,
            asked - trained,
            asked));
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

  /** Tells the two models of the paper: what is sent, and the memory beside the paper's. */
  private void paperSizes() {
    document.heading("The paper's models");
    document.paragraph(
        String.format(
            Locale.ROOT,
            "What a round of %d clients sends both ways, for an adapter of rank %d on the attention"
                + " and for the full model in 16 bits; and how long a client of a tier takes to"
                + " receive and send them.",
            config.federated().clientsPerRound(),
            config.lora().rank()));
    List<String> head = new ArrayList<>(List.of("model", "adapter, MB", "full model, MB", "times"));
    config.tiers().forEach(tier -> head.addAll(List.of("adapter, s, " + tier.name(), "full, s")));
    List<List<String>> rows = new ArrayList<>();
    for (Map.Entry<String, PaperSize> size : PAPER_SIZES.entrySet()) {
      ModelConfig shape = ModelConfig.shape(size.getKey());
      long transfers = 2L * config.federated().clientsPerRound();
      LoraConfig lora =
          LoraConfig.attention(config.lora().rank()).resolvedFor(shape.linearLayers());
      long adapter = AdapterLayout.of(lora, shape.linearLayers()).bytes();
      long full = 2 * shape.parameters();
      List<String> row =
          new ArrayList<>(
              List.of(
                  size.getValue().model(),
                  megabytes(transfers * adapter),
                  megabytes(transfers * full),
                  String.format(Locale.ROOT, "%.0f", full / (double) adapter)));
      for (ExperimentConfig.Tier tier : config.tiers()) {
        row.add(String.format(Locale.ROOT, "%.1f", tier.device().transferSeconds(adapter)));
        row.add(String.format(Locale.ROOT, "%.0f", tier.device().transferSeconds(full)));
      }
      rows.add(row);
    }
    document.table(head, rows);
    if (memory.isEmpty()) {
      return;
    }
    document.subheading("Memory of a training step");
    document.paragraph(
        String.format(
            Locale.ROOT,
            "%d records of %d tokens, rank %d on the attention, random weights of the shape: the most"
                + " that was resident in a process of its own.",
            config.memory().batch(),
            config.memory().sequence(),
            config.lora().rank()));
    List<List<String>> memories = new ArrayList<>();
    for (MeasuredMemory one : memory) {
      PaperSize paper = PAPER_SIZES.get(one.shape());
      List<String> fitting =
          config.tiers().stream()
              .filter(tier -> 1e6 * one.peak() <= tier.device().memoryBytes())
              .map(ExperimentConfig.Tier::name)
              .toList();
      memories.add(
          List.of(
              one.shape(),
              String.format(Locale.ROOT, "%.0f", one.predicted()),
              Double.isNaN(one.peak())
                  ? "not measured"
                  : String.format(Locale.ROOT, "%.0f", one.peak()),
              fitting.isEmpty() ? "" : String.join(", ", fitting),
              paper == null ? "" : paper.memory(),
              paper == null ? "" : String.join(", ", paper.f1())));
    }
    document.table(
        List.of(
            "shape",
            "planned, MB",
            "measured, MB",
            "fits",
            "the paper's client",
            "the paper's F1: zero-shot, centralised, federated"),
        memories);
  }

  /** Tells the records of a seed: how many each rule kept, a sample, and who has what. */
  private void records(long seed, ExperimentData of) {
    document.heading("Data, seed " + seed);
    of.notes()
        .forEach(
            (source, note) -> {
              document.subheading(source);
              document.preformatted(note);
            });
    document.subheading("Records of each client");
    TreeSet<String> keys = new TreeSet<>();
    List<Map<String, Integer>> counts = new ArrayList<>();
    for (InstructionDataset part : of.homes().parts()) {
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
      List<String> row = new ArrayList<>(List.of(Trial.clientId(client)));
      for (String key : keys) {
        row.add(Integer.toString(counts.get(client).getOrDefault(key, 0)));
      }
      row.add(Integer.toString(of.homes().parts().get(client).size()));
      rows.add(row);
    }
    document.drawing(
        "skew-" + seed,
        "the records of each client by class",
        SkewChart.svg(List.copyOf(keys), counts));
    document.table(head, rows);
    document.paragraph(
        of.validation().size()
            + " validation and "
            + of.test().size()
            + " test records of the classes "
            + of.labels()
            + ".");
  }
}
