package org.edgefit.client;

/**
 * Hyperparameters of local training. The server sends them with each task, the same to all clients
 * or per assignment.
 *
 * @param epochs local epochs per round, >= 1
 * @param batchSize records in a forward pass, >= 1
 * @param accumulation gradient accumulation steps, >= 1
 * @param learningRate AdamW's learning rate, > 0
 * @param weightDecay AdamW's decoupled weight decay, >= 0
 * @param beta1 AdamW's first decay rate, in [0, 1)
 * @param beta2 AdamW's second decay rate, in [0, 1)
 * @param epsilon AdamW's epsilon, > 0
 * @param clipNorm the maximum global gradient norm; 0 for no clipping
 * @param schedule the learning rate schedule
 * @param scheduleOverRun whether the schedule and its warm-up span the whole run, or each round
 * @param warmupRatio the share of the span over which the learning rate rises, in [0, 1]
 * @param packed whether batches are padding-free (concatenated texts), or padded to the longest, in
 *     batches of similar length
 * @param rule the name of the {@link LocalRule} that training follows; empty for none
 */
public record Training(
    int epochs,
    int batchSize,
    int accumulation,
    double learningRate,
    double weightDecay,
    double beta1,
    double beta2,
    double epsilon,
    double clipNorm,
    LearningRateSchedule schedule,
    boolean scheduleOverRun,
    double warmupRatio,
    boolean packed,
    String rule) {

  /** Checks the ranges. */
  public Training {
    require(epochs >= 1, "epochs", epochs, ">= 1");
    require(batchSize >= 1, "batchSize", batchSize, ">= 1");
    require(accumulation >= 1, "accumulation", accumulation, ">= 1");
    require(learningRate > 0 && Double.isFinite(learningRate), "learningRate", learningRate, "> 0");
    require(weightDecay >= 0 && Double.isFinite(weightDecay), "weightDecay", weightDecay, ">= 0");
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in [0, 1)");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in [0, 1)");
    require(epsilon > 0 && Double.isFinite(epsilon), "epsilon", epsilon, "> 0");
    require(clipNorm >= 0 && Double.isFinite(clipNorm), "clipNorm", clipNorm, ">= 0");
    require(warmupRatio >= 0 && warmupRatio <= 1, "warmupRatio", warmupRatio, "in [0, 1]");
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /**
   * Returns the paper's settings (AdamW at 2e-4, three local epochs), and where it is silent: batch
   * size 8, no weight decay, gradients clipped at norm 1, a constant learning rate, no padding.
   */
  public static Training defaults() {
    return new Training(
        3, 8, 1, 2e-4, 0, 0.9, 0.999, 1e-8, 1.0, LearningRateSchedule.CONSTANT, false, 0, true, "");
  }

  /** Returns a builder that starts from these settings. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Changes some of the settings. */
  public static final class Builder {
    private int epochs;
    private int batchSize;
    private int accumulation;
    private double learningRate;
    private double weightDecay;
    private double beta1;
    private double beta2;
    private double epsilon;
    private double clipNorm;
    private LearningRateSchedule schedule;
    private boolean scheduleOverRun;
    private double warmupRatio;
    private boolean packed;
    private String rule;

    private Builder(Training from) {
      epochs = from.epochs;
      batchSize = from.batchSize;
      accumulation = from.accumulation;
      learningRate = from.learningRate;
      weightDecay = from.weightDecay;
      beta1 = from.beta1;
      beta2 = from.beta2;
      epsilon = from.epsilon;
      clipNorm = from.clipNorm;
      schedule = from.schedule;
      scheduleOverRun = from.scheduleOverRun;
      warmupRatio = from.warmupRatio;
      packed = from.packed;
      rule = from.rule;
    }

    /** Sets the local epochs per round. */
    public Builder epochs(int value) {
      epochs = value;
      return this;
    }

    /** Sets the records in a forward pass. */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /** Sets the gradient accumulation steps. */
    public Builder accumulation(int value) {
      accumulation = value;
      return this;
    }

    /** Sets the learning rate. */
    public Builder learningRate(double value) {
      learningRate = value;
      return this;
    }

    /** Sets the weight decay. */
    public Builder weightDecay(double value) {
      weightDecay = value;
      return this;
    }

    /** Sets AdamW's decay rates and epsilon. */
    public Builder adam(double newBeta1, double newBeta2, double newEpsilon) {
      beta1 = newBeta1;
      beta2 = newBeta2;
      epsilon = newEpsilon;
      return this;
    }

    /** Sets the max gradient norm; 0 for no clipping. */
    public Builder clipNorm(double value) {
      clipNorm = value;
      return this;
    }

    /** Sets a schedule that restarts in each round. */
    public Builder scheduleOverRound(LearningRateSchedule value, double newWarmupRatio) {
      schedule = value;
      scheduleOverRun = false;
      warmupRatio = newWarmupRatio;
      return this;
    }

    /** Sets a schedule that spans all rounds of the run. */
    public Builder scheduleOverRun(LearningRateSchedule value, double newWarmupRatio) {
      schedule = value;
      scheduleOverRun = true;
      warmupRatio = newWarmupRatio;
      return this;
    }

    /** Sets whether texts are packed, or padded. */
    public Builder packed(boolean value) {
      packed = value;
      return this;
    }

    /** Sets the name of the local rule that training follows; empty for none. */
    public Builder rule(String value) {
      rule = value;
      return this;
    }

    /** Returns the checked settings. */
    public Training build() {
      return new Training(
          epochs,
          batchSize,
          accumulation,
          learningRate,
          weightDecay,
          beta1,
          beta2,
          epsilon,
          clipNorm,
          schedule,
          scheduleOverRun,
          warmupRatio,
          packed,
          rule);
    }
  }
}
