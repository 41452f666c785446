package org.edgefit.client.qlora;

/** Called after each optimizer step, on the training thread. */
@FunctionalInterface
public interface StepListener {

  /**
   * A step is done.
   *
   * @param step the step, from 1
   * @param steps the steps of this training
   * @param loss the mean loss of the step's label tokens, in nats
   */
  void stepDone(int step, int steps, double loss);

  /** Returns a listener that does nothing. */
  static StepListener none() {
    return (step, steps, loss) -> {};
  }
}
