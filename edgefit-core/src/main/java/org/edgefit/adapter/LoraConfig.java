package org.edgefit.adapter;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A LoRA configuration (Hu et al. 2021): each target layer {@code W} computes {@code W x + (alpha /
 * rank) B A dropout(x)}.
 *
 * @param rank the inner dimension r
 * @param alpha the numerator of the scale
 * @param dropout the LoRA dropout probability in training, in [0, 1)
 * @param targets the target modules by name or name suffix, for example {@code q_proj}; sorted.
 *     {@link #ATTENTION} and {@link #ALL_LINEAR} work for any model
 * @param rankStabilized whether the scale is {@code alpha / sqrt(rank)} instead (Kalajdzievski
 *     2023)
 */
public record LoraConfig(
    int rank, double alpha, double dropout, List<String> targets, boolean rankStabilized) {

  private static final int MOST_RANK = 4096;

  /** The target for all attention layers of any model. */
  public static final String ATTENTION = "attention";

  /** The target for all linear layers in a model's blocks. */
  public static final String ALL_LINEAR = "all-linear";

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

  /** Makes a config with the plain scale, {@code alpha / rank}. */
  public LoraConfig(int rank, double alpha, double dropout, List<String> targets) {
    this(rank, alpha, dropout, targets, false);
  }

  /** Returns the paper's config: this rank on attention layers, alpha 2 x rank, no dropout. */
  public static LoraConfig attention(int rank) {
    return new LoraConfig(rank, 2.0 * rank, 0, List.of(ATTENTION));
  }

  /**
   * Returns this config with another rank, and the alpha that keeps the scaling of {@code B A x}
   * unchanged.
   */
  public LoraConfig withRank(int newRank) {
    double newAlpha =
        rankStabilized ? alpha * Math.sqrt((double) newRank / rank) : alpha * newRank / rank;
    return new LoraConfig(newRank, newAlpha, dropout, targets, rankStabilized);
  }

  /** Returns this config with another alpha. */
  public LoraConfig withAlpha(double newAlpha) {
    return new LoraConfig(rank, newAlpha, dropout, targets, rankStabilized);
  }

  /** Returns this config with another dropout. */
  public LoraConfig withDropout(double newDropout) {
    return new LoraConfig(rank, alpha, newDropout, targets, rankStabilized);
  }

  /** Returns this config with other targets. */
  public LoraConfig withTargets(List<String> newTargets) {
    return new LoraConfig(rank, alpha, dropout, newTargets, rankStabilized);
  }

  /** Returns this config with the scale {@code alpha / sqrt(rank)}, or {@code alpha / rank}. */
  public LoraConfig withRankStabilized(boolean newRankStabilized) {
    return new LoraConfig(rank, alpha, dropout, targets, newRankStabilized);
  }

  /** Returns whether a layer is adapted, by targets that name layers. */
  public boolean adapts(LinearSpec layer) {
    return targets.stream().anyMatch(layer::isNamedBy);
  }

  /** Returns whether a target is a group such as {@code all-linear}. */
  boolean namesGroups() {
    return targets.stream().anyMatch(Set.of(ATTENTION, ALL_LINEAR)::contains);
  }

  /** Returns this config with group targets replaced by a model's layer names. */
  public LoraConfig resolvedFor(List<LinearSpec> layers) {
    if (!namesGroups()) {
      return this;
    }
    TreeSet<String> resolved = new TreeSet<>(targets);
    boolean all = resolved.remove(ALL_LINEAR);
    boolean attention = resolved.remove(ATTENTION);
    for (LinearSpec layer : layers) {
      if (all || (attention && layer.name().contains(".self_attn."))) {
        resolved.add(layer.target());
      }
    }
    return withTargets(List.copyOf(resolved));
  }

  /** Returns the factor on {@code B A x}. */
  public double scaling() {
    return rankStabilized ? alpha / Math.sqrt(rank) : alpha / rank;
  }
}
