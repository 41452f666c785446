package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.format.ModelConfig;

/** The models of the paper: what is sent for them, and the memory of a training step. */
final class PaperModels {

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

  PaperModels(ExperimentConfig config) {
    this.config = config;
  }

  /** Tells what is sent, of the adapter and of the full model. */
  void transfers(Document document) {
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

  /** Tells the memory of a training step beside the paper's. */
  void memory(Document document, List<MeasuredMemory> measured) {
    document.subheading("Memory of a training step");
    document.paragraph(
        String.format(
            Locale.ROOT,
            "%d records of %d tokens, rank %d on the attention, random weights of the shape: the most"
                + " that was resident in a process of its own.",
            config.memory().batch(),
            config.memory().sequence(),
            config.lora().rank()));
    List<List<String>> rows = new ArrayList<>();
    for (MeasuredMemory one : measured) {
      PaperSize paper = PAPER_SIZES.get(one.shape());
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
        rows);
  }
}
