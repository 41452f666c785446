package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/** Applies a round's combined change to the state, which holds the global adapter. */
@FunctionalInterface
public interface ServerOptimizer {

  /** Returns the next state. What it keeps beside the adapter is in the state it is given next. */
  ServerState step(RoundContext round, AdapterDelta combined);

  /** Returns the plain one: the change is added. */
  static ServerOptimizer add() {
    return new Add();
  }

  /**
   * Returns server momentum (FedAvgM, Hsu et al. 2019).
   *
   * @param learningRate the server's learning rate eta, > 0
   * @param momentum beta, in [0, 1)
   */
  static ServerOptimizer momentum(double learningRate, double momentum) {
    return new Momentum(learningRate, momentum);
  }
}
