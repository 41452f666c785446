package org.edgefit.client;

/** How the learning rate falls after the warm-up. */
public enum LearningRateSchedule {
  /** It does not fall. */
  CONSTANT,
  /** In a straight line to zero after the last step. */
  LINEAR,
  /** Along half a cosine wave to zero after the last step. */
  COSINE;

  /**
   * Returns the factor on the learning rate.
   *
   * @param step the step, from 0
   * @param steps the number of steps that the schedule spans
   * @param warmupSteps the first steps, over which the factor rises to 1 in equal parts
   */
  public double factor(long step, long steps, long warmupSteps) {
    if (step < warmupSteps) {
      return (step + 1.0) / warmupSteps;
    }
    double fallen = (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps);
    return switch (this) {
      case CONSTANT -> 1;
      case LINEAR -> 1 - fallen;
      case COSINE -> 0.5 * (1 + Math.cos(Math.PI * fallen));
    };
  }
}
