package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What an experiment found, beside the numbers of the Edge-FIT paper. */
final class ExperimentReport {

  private final ExperimentConfig config;
  private final Map<String, Tiers> tiers;
  private final Map<Long, ExperimentData> data = new LinkedHashMap<>();
  private final Map<String, Map<Long, Map<Procedure, List<Measured>>>> results =
      new LinkedHashMap<>();
  private final List<MeasuredMemory> memory = new ArrayList<>();

  private final Comparison comparison;
  private final RoundTables roundTables;

  /**
   * Makes an empty report.
   *
   * @param tiers the devices of each model's clients
   */
  ExperimentReport(ExperimentConfig config, Map<String, Tiers> tiers) {
    this.config = config;
    this.tiers = tiers;
    this.comparison = new Comparison(config);
    this.roundTables = new RoundTables(config);
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

  /** Writes the report and its numbers, as {@link Document} and {@link Numbers} say. */
  void write(Path folder) throws IOException {
    Document document = new Document("Experiment: " + config.name());
    Numbers numbers = new Numbers();
    setting(document);
    results.forEach(
        (model, seeds) -> {
          if (seeds.size() > 1) {
            document.heading(model + ", mean over seeds");
            comparison.overSeeds(document, seeds);
          }
          seeds.forEach((seed, of) -> trial(document, numbers, model, seed, of));
        });
    document.heading("The paper's models");
    ModelTables models = new ModelTables(config);
    models.transfers(document);
    if (!memory.isEmpty()) {
      models.memory(document, memory, results);
    }
    data.forEach(
        (seed, records) -> {
          document.heading("Data, seed " + seed);
          DataTables.write(document, seed, records);
        });
    document.write(folder);
    numbers.write(folder);
  }

  private void setting(Document document) {
    document.paragraph(
        String.format(
            Locale.ROOT,
            "%d clients, Dirichlet(%s), rank %d, learning rate %s, batch %d. %sSeeds: %s.",
            config.partition().clients(),
            config.partition().alpha(),
            config.lora().rank(),
            config.training().learningRate(),
            config.training().batchSize(),
            config.procedures().stream().map(this::setting).collect(Collectors.joining()),
            config.seeds()));
    document.paragraph(
        "In brackets: 95 % intervals by bootstrap over the test records. ±: the standard deviation"
            + " over the clients, or over the seeds where there are several. Invalid:"
            + " outputs that begin with no class. Validation: macro-F1 on the validation"
            + " records, by the first scoring. s: seconds of training, summed over"
            + " local-only clients; for federated, of all rounds including validation. MB:"
            + " bytes sent both ways. The paper measured other models on other data.");
  }

  private String setting(Procedure procedure) {
    return switch (procedure) {
      case ZERO_SHOT -> "";
      case LOCAL_ONLY ->
          String.format(Locale.ROOT, "Local-only: epochs %d. ", config.alone().localEpochs());
      case CENTRALISED ->
          String.format(
              Locale.ROOT,
              "Centralised: epochs %d, batch %d. ",
              config.alone().centralisedEpochs(),
              config.alone().centralisedBatch());
      case FEDERATED ->
          String.format(
              Locale.ROOT,
              "Federated: rounds %d, clients of a round %d, local epochs %d. ",
              config.federated().rounds(),
              config.federated().clientsPerRound(),
              config.training().epochs());
    };
  }

  private void trial(
      Document document,
      Numbers numbers,
      String model,
      long seed,
      Map<Procedure, List<Measured>> of) {
    document.heading(model + ", seed " + seed);
    comparison.write(document, numbers, model, seed, of);
    List<Measured> alone = of.getOrDefault(Procedure.LOCAL_ONLY, List.of());
    ExperimentData records = data.get(seed);
    if (!alone.isEmpty() && records != null) {
      comparison.clientsAlone(document, records.homes().parts(), alone);
    }
    for (Measured federated : of.getOrDefault(Procedure.FEDERATED, List.of())) {
      String name = "curve-" + BaseModels.folder(model) + "-" + seed;
      RoundTables.curve(document, name, federated, of);
      roundTables.rounds(document, federated);
      Tiers own = tiers.get(model);
      if (own != null && !own.fits().isEmpty()) {
        roundTables.devices(document, own, federated);
      }
    }
    comparison.confusions(document, of);
  }
}
