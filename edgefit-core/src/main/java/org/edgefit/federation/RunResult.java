package org.edgefit.federation;

import org.edgefit.adapter.Adapter;

/**
 * What a run leads to.
 *
 * @param adapter the final global adapter
 * @param history its rounds
 */
public record RunResult(Adapter adapter, History history) {

  /** Returns the SHA-256 of the final adapter's file. */
  public String adapterSha256() {
    return history.last().adapterSha256();
  }
}
