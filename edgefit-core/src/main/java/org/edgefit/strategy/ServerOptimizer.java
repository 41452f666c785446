package org.edgefit.strategy;

import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;

/** Applies a round's combined change to the global adapter. */
@FunctionalInterface
public interface ServerOptimizer {

  /** Returns the next global adapter. */
  Adapter step(Adapter global, AdapterDelta combined);

  /** Returns the plain one: the change is added. */
  static ServerOptimizer add() {
    return Adapter::plus;
  }
}
