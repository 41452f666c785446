package org.edgefit.strategy;

/**
 * What an aggregator needs of a round's updates, in increasing order. A run rejects a plan that
 * cannot provide it.
 */
public enum Needs {
  /** Their weighted sum alone, over one layout. */
  SUM,
  /** The values of all clients, a tensor at a time, over one layout. */
  EACH_TENSOR,
  /** Each update as a whole; layouts may differ. */
  EACH_UPDATE
}
