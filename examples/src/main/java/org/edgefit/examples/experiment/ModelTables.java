package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.format.model.ModelConfig;

/** The models of the paper: what is sent for them, and the memory of a training step. */
final class ModelTables {

  /** The procedures of the paper's table of model sizes. */
  private static final List<Procedure> COMPARED =
      List.of(Procedure.ZERO_SHOT, Procedure.CENTRALISED, Procedure.FEDERATED);

  private final ExperimentConfig config;

  ModelTables(ExperimentConfig config) {
    this.config = config;
  }

  /** Tells what is sent, of the adapter and of the full model. */
  void transfers(Document document) {
    document.paragraph(
        String.format(
            Locale.ROOT,
            "Traffic of a round of %d clients, both ways, for an adapter of rank %d on attention"
                + " and for the full model in 16 bits, and the transfer time per client and tier.",
            config.federated().clientsPerRound(),
            config.lora().rank()));
    List<String> head = new ArrayList<>(List.of("model", "adapter, MB", "full model, MB", "times"));
    config.tiers().forEach(tier -> head.addAll(List.of("adapter, s, " + tier.name(), "full, s")));
    List<List<String>> rows = new ArrayList<>();
    for (PaperModel model : PaperModel.ALL) {
      ModelConfig shape = ModelConfig.shape(model.shape());
      long transfers = 2L * config.federated().clientsPerRound();
      LoraConfig lora =
          LoraConfig.attention(config.lora().rank()).resolvedFor(shape.linearLayers());
      long adapter = AdapterLayout.of(lora, shape.linearLayers()).bytes();
      long full = 2 * shape.parameters();
      List<String> row =
          new ArrayList<>(
              List.of(
                  model.name(),
                  Document.megabytes(transfers * adapter),
                  Document.megabytes(transfers * full),
                  String.format(Locale.ROOT, "%.0f", full / (double) adapter)));
      for (ExperimentConfig.Tier tier : config.tiers()) {
        row.add(String.format(Locale.ROOT, "%.1f", tier.device().transferSeconds(adapter)));
        row.add(String.format(Locale.ROOT, "%.0f", tier.device().transferSeconds(full)));
      }
      rows.add(row);
    }
    document.table(head, rows);
  }

  /**
   * Tells the memory of a training step of each shape, with the F1 that models of it came to,
   * beside the paper's.
   *
   * @param results what each model's procedures led to, by seed
   */
  void memory(
      Document document,
      List<MeasuredMemory> measured,
      Map<String, Map<Long, Map<Procedure, List<Measured>>>> results) {
    document.subheading("Memory of a training step");
    document.paragraph(
        String.format(
            Locale.ROOT,
            "%d records of %d tokens, rank %d on the attention, random weights of the shape: peak"
                + " RSS of a separate process. F1 here: of models of that shape that were run, by"
                + " %s, mean over seeds.",
            config.memory().batch(),
            config.memory().sequence(),
            config.lora().rank(),
            Section.spelled(config.evaluation().scorings().get(0))));
    List<List<String>> rows = new ArrayList<>();
    for (MeasuredMemory one : measured) {
      List<String> paper =
          PaperModel.ALL.stream()
              .filter(model -> model.shape().equals(one.shape()))
              .map(model -> List.of(model.memory(), f1(model)))
              .findFirst()
              .orElse(List.of("", ""));
      String here =
          results.entrySet().stream()
              .filter(of -> PaperModel.isNamed(one.shape(), of.getKey()))
              .map(of -> f1(of.getValue()))
              .findFirst()
              .orElse("");
      List<String> fitting =
          config.tiers().stream()
              .filter(tier -> 1e6 * one.peak() <= tier.device().memoryBytes())
              .map(ExperimentConfig.Tier::name)
              .toList();
      rows.add(
          List.of(
              one.shape(),
              String.format(Locale.ROOT, "%.0f", one.predicted()),
              Double.isNaN(one.peak())
                  ? "not measured"
                  : String.format(Locale.ROOT, "%.0f", one.peak()),
              fitting.isEmpty() ? "" : String.join(", ", fitting),
              paper.get(0),
              paper.get(1),
              here));
    }
    document.table(
        List.of(
            "shape",
            "planned, MB",
            "measured, MB",
            "fits",
            "the paper's client",
            "the paper's F1: zero-shot, centralised, federated",
            "F1 here"),
        rows);
  }

  private static String f1(PaperModel model) {
    return COMPARED.stream()
        .map(procedure -> model.metrics().getOrDefault(procedure, List.of("", "", "", "")).get(3))
        .collect(Collectors.joining(", "));
  }

  private String f1(Map<Long, Map<Procedure, List<Measured>>> seeds) {
    Scoring scoring = config.evaluation().scorings().get(0);
    return COMPARED.stream()
        .map(procedure -> Comparison.ofSeeds(seeds, procedure, scoring, "f1"))
        .map(of -> of.length == 0 ? "–" : String.format(Locale.ROOT, "%.3f", Comparison.mean(of)))
        .collect(Collectors.joining(", "));
  }
}
