package org.edgefit.examples.strategies;

import java.nio.FloatBuffer;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.LocalRule;

/** FedProx as a custom local rule: adds mu/2 ||w - start||^2 to a client's loss. */
public final class Proximal implements LocalRule {

  @Override
  public String name() {
    return "proximal";
  }

  @Override
  public LocalTraining begin(FitInstruction asked) {
    double mu = asked.payload().config().number("mu");
    Adapter start = asked.adapter();
    return (tensor, weights, gradient) -> {
      FloatBuffer from = start.tensor(tensor);
      for (int i = 0; i < gradient.capacity(); i++) {
        gradient.put(i, (float) (gradient.get(i) + mu * (weights.get(i) - from.get(i))));
      }
    };
  }
}
