package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/** Applies a round's aggregated delta to the state with the global adapter. */
@FunctionalInterface
public interface ServerOptimizer {

  /** Returns the next state, which is passed to the next step with all its tensors and values. */
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
