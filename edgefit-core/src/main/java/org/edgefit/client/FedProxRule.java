package org.edgefit.client;

import java.nio.FloatBuffer;
import org.edgefit.adapter.Adapter;

/**
 * FedProx (Li et al. 2020, <i>Federated Optimization in Heterogeneous Networks</i>, equation 2).
 *
 * <pre>
 * h_k(w; w_t) = F_k(w) + mu/2 ||w - w_t||^2        the local objective
 * dh_k/dw     = dF_k/dw + mu (w - w_t)             what is computed here
 * </pre>
 *
 * <p>w are the adapter's weights, w_t those that the client was sent. The norm is squared, as in
 * the paper. Under AdamW the term is part of the gradient that the moments see. The loss that is
 * reported is F_k alone.
 */
final class FedProxRule implements LocalRule {

  static final String NAME = "fedprox";
  static final String MU = "mu";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public LocalTraining begin(FitInstruction instruction) {
    float mu = (float) instruction.payload().config().number(MU);
    Adapter start = instruction.adapter();
    return (tensor, weights, gradient) -> {
      FloatBuffer from = start.tensor(tensor);
      for (int i = 0; i < gradient.capacity(); i++) {
        gradient.put(i, gradient.get(i) + mu * (weights.get(i) - from.get(i)));
      }
    };
  }
}
