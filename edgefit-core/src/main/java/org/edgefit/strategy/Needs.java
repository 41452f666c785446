package org.edgefit.strategy;

/**
 * What a rule needs of a round's updates, from the least. A run refuses a plan that cannot give a
 * rule what it needs.
 */
public enum Needs {
  /** Their weighted sum alone, over one layout. */
  SUM,
  /** The values of all clients, a tensor at a time, over one layout. */
  EACH_TENSOR,
  /** Each update as a whole; layouts may differ. */
  EACH_UPDATE
}
