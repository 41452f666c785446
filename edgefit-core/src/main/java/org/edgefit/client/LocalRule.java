package org.edgefit.client;

import java.nio.FloatBuffer;
import org.edgefit.adapter.Adapter;

/**
 * What a client's training does beside plain local training: a further term of the loss, by its
 * gradient, or a correction of the gradient (FedProx, SCAFFOLD). An assignment names it ({@link
 * Training#rule}), and sends its settings and tensors as the payload.
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
     * Adds what the rule sends back or keeps.
     *
     * @param trained the adapter after the last step
     * @param result what plain training makes of it
     */
    default FitResult end(Adapter trained, FitResult result) {
      return result;
    }
  }
}
