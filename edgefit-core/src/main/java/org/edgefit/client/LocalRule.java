package org.edgefit.client;

import java.nio.FloatBuffer;
import org.edgefit.adapter.Adapter;

/**
 * A modification of local training: an extra loss term, given by its gradient, or a gradient
 * correction (FedProx, SCAFFOLD). An assignment selects it by name ({@link Training#rule}), and
 * sends its settings and tensors in the payload.
 *
 * <p>Rules in jars on the class path are found by {@link java.util.ServiceLoader}; see {@link
 * LocalRules}.
 */
public interface LocalRule {

  /** Returns the name by which an assignment asks for the rule. */
  String name();

  /**
   * Begins a training.
   *
   * @param instruction the start adapter, the payload, and the client's memory
   * @throws IllegalArgumentException if the payload lacks something that the rule needs
   */
  LocalTraining begin(FitInstruction instruction);

  /** One training that follows a rule; used by one thread. */
  interface LocalTraining {

    /**
     * Changes the gradient of one tensor. It is called for each tensor in each step, after the
     * backward pass and before the gradient is clipped.
     *
     * @param tensor the index of the tensor in the adapter's layout
     * @param weights its weights before the step, read only
     * @param gradient the gradient of the step's mean loss, to be changed in place
     */
    void correct(int tensor, FloatBuffer weights, FloatBuffer gradient);

    /**
     * Adds tensors to return or keep.
     *
     * @param trained the adapter after the last step
     * @param result the result of plain training
     */
    default FitResult end(Adapter trained, FitResult result) {
      return result;
    }
  }
}
