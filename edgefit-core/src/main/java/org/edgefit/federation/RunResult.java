package org.edgefit.federation;

import org.edgefit.adapter.Adapter;
import org.edgefit.run.History;
import org.edgefit.run.RoundSummary;
import org.jspecify.annotations.Nullable;

/**
 * What a run leads to.
 *
 * @param adapter the final global adapter
 * @param history its rounds
 * @param best the best round by the measure that {@link Federation.Builder#best} names, with its
 *     adapter; null if none was named, or no round has that measure
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
