package org.edgefit.federation;

import org.edgefit.adapter.Adapter;
import org.edgefit.run.History;
import org.edgefit.run.RoundSummary;
import org.jspecify.annotations.Nullable;

/**
 * The result of a run.
 *
 * @param adapter the final global adapter
 * @param history its rounds
 * @param best the best round by the metric of {@link Federation.Builder#best}, with its adapter;
 *     null without a metric, or if no round has it
 */
public record RunResult(Adapter adapter, History history, @Nullable Best best) {

  /**
   * The best round.
   *
   * @param round the round
   * @param adapter the adapter after it
   */
  public record Best(RoundSummary round, Adapter adapter) {}

  /** Returns the SHA-256 of the final adapter's file. */
  public String adapterSha256() {
    return history.last().adapterSha256();
  }
}
