package org.edgefit.internal.cli;

import java.util.List;
import org.edgefit.adapter.LoraConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that shape a new adapter. */
public final class LoraOptions {

  @Option(
      names = "--lora-rank",
      paramLabel = "R",
      description = "rank of a new adapter (default: ${DEFAULT-VALUE})")
  private int rank = 16;

  @Option(
      names = "--lora-alpha",
      paramLabel = "A",
      description = "alpha of a new adapter; its output is scaled by A / R (default: 2 x R)")
  private @Nullable Double alpha;

  @Option(
      names = "--lora-dropout",
      paramLabel = "P",
      description = "LoRA dropout (default: ${DEFAULT-VALUE})")
  private double dropout;

  @Option(
      names = "--targets",
      split = ",",
      paramLabel = "LAYER",
      description =
          "target modules by name, or attention or all-linear" + " (default: ${DEFAULT-VALUE})")
  private List<String> targets = List.of(LoraConfig.ATTENTION);

  @Option(names = "--rslora", description = "rank-stabilised LoRA: scale by A / sqrt(R)")
  private boolean rankStabilized;

  /** Returns the adapter's config. */
  public LoraConfig toLora() {
    return new LoraConfig(
        rank, alpha == null ? 2.0 * rank : alpha, dropout, targets, rankStabilized);
  }
}
