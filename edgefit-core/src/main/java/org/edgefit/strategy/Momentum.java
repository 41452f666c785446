package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/**
 * FedAvgM (Hsu, Qi, Brown 2019, <i>Measuring the Effects of Non-Identical Data Distribution for
 * Federated Visual Classification</i>), in the convention of PyTorch's SGD:
 *
 * <pre>
 * v_t     = beta v_{t-1} + delta_t        v_0 = 0, so that v_1 = delta_1
 * x_{t+1} = x_t + eta v_t
 * </pre>
 *
 * <p>delta_t is the round's combined change, v the state's group {@code momentum}.
 *
 * @param learningRate eta, > 0
 * @param momentum beta, in [0, 1)
 */
record Momentum(double learningRate, double momentum) implements ServerOptimizer {

  private static final String MOMENTUM = "momentum";

  Momentum {
    Ranges.requirePositive("learning rate", learningRate);
    if (!(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException("momentum: " + momentum + " (expected: in [0, 1))");
    }
  }

  @Override
  public ServerState step(RoundContext round, AdapterDelta combined) {
    AdapterDelta velocity = combined.plus(round.state().kept(MOMENTUM), momentum);
    return round.state().plus(velocity, learningRate).with(MOMENTUM, velocity);
  }
}
