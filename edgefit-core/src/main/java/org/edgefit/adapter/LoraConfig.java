package org.edgefit.adapter;

import java.util.List;
import java.util.TreeSet;

/**
 * The shape of a LoRA adapter (Hu et al. 2021): each target layer {@code W} answers {@code W x +
 * (alpha / rank) B A dropout(x)}.
 *
 * @param rank the inner dimension r
 * @param alpha the numerator of the scale
 * @param dropout the share of a LoRA branch's inputs that is zeroed in training, in [0, 1)
 * @param targets the names of the adapted linear layers, for example {@code q_proj}; kept sorted
 */
public record LoraConfig(int rank, double alpha, double dropout, List<String> targets) {

  private static final int MOST_RANK = 4096;

  /** The attention layers of a Llama-like decoder. */
  public static final List<String> ATTENTION = List.of("q_proj", "k_proj", "v_proj", "o_proj");

  /** Checks the ranges and sorts the targets. */
  public LoraConfig {
    if (rank < 1 || rank > MOST_RANK) {
      throw new IllegalArgumentException("rank: " + rank + " (expected: 1 to " + MOST_RANK + ")");
    }
    if (!(alpha > 0) || Double.isInfinite(alpha)) {
      throw new IllegalArgumentException("alpha: " + alpha + " (expected: > 0)");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout: " + dropout + " (expected: in [0, 1))");
    }
    if (targets.isEmpty()) {
      throw new IllegalArgumentException("targets: none (expected: at least one linear layer)");
    }
    targets = List.copyOf(new TreeSet<>(targets));
  }

  /** Returns the paper's adapter: this rank on the attention layers, alpha 2 x rank, no dropout. */
  public static LoraConfig attention(int rank) {
    return new LoraConfig(rank, 2.0 * rank, 0, ATTENTION);
  }

  /** Returns this config with another alpha. */
  public LoraConfig withAlpha(double newAlpha) {
    return new LoraConfig(rank, newAlpha, dropout, targets);
  }

  /** Returns this config with another dropout. */
  public LoraConfig withDropout(double newDropout) {
    return new LoraConfig(rank, alpha, newDropout, targets);
  }

  /** Returns this config with other targets. */
  public LoraConfig withTargets(List<String> newTargets) {
    return new LoraConfig(rank, alpha, dropout, newTargets);
  }

  /** Returns the factor on {@code B A x}. */
  public double scaling() {
    return alpha / rank;
  }
}
