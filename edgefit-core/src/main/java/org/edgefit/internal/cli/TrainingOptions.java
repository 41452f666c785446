package org.edgefit.internal.cli;

import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of local training, and of what a record's text is. */
public final class TrainingOptions {

  private static final Training DEFAULTS = Training.defaults();
  private static final RunSettings RUN = RunSettings.defaults();

  private enum Span {
    ROUND,
    RUN
  }

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "local epochs per round (default: ${DEFAULT-VALUE})")
  private int epochs = DEFAULTS.epochs();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "batch size in records (default: ${DEFAULT-VALUE})")
  private int batch = DEFAULTS.batchSize();

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      description = "gradient accumulation steps (default: ${DEFAULT-VALUE})")
  private int accumulation = DEFAULTS.accumulation();

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "max tokens of a record; longer questions are truncated" + " (default: ${DEFAULT-VALUE})")
  private int maxLength = RUN.maxLength();

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "AdamW's learning rate (default: ${DEFAULT-VALUE})")
  private double learningRate = DEFAULTS.learningRate();

  @Option(
      names = "--weight-decay",
      paramLabel = "D",
      description = "AdamW's weight decay (default: ${DEFAULT-VALUE})")
  private double weightDecay = DEFAULTS.weightDecay();

  @Option(
      names = "--clip-norm",
      paramLabel = "X",
      description = "max gradient norm; 0: no clipping (default: ${DEFAULT-VALUE})")
  private double clipNorm = DEFAULTS.clipNorm();

  @Option(
      names = "--schedule",
      description = "learning rate schedule: ${COMPLETION-CANDIDATES} (default: constant)")
  private LearningRateSchedule schedule = DEFAULTS.schedule();

  @Option(
      names = "--schedule-over",
      description = "what the schedule spans: ${COMPLETION-CANDIDATES} (default: round)")
  private Span span = Span.ROUND;

  @Option(
      names = "--warmup",
      paramLabel = "SHARE",
      description = "warm-up ratio of that span (default: ${DEFAULT-VALUE})")
  private double warmup = DEFAULTS.warmupRatio();

  @Option(names = "--all-tokens", description = "train on all tokens, not only on the response")
  private boolean allTokens;

  @Option(
      names = "--padded",
      description =
          "pad a batch to its longest text, in batches of similar length, instead of padding-free"
              + " batches")
  private boolean padded;

  @Mixin private TemplateOption template = new TemplateOption();

  @Option(
      names = "--quantization",
      description =
          "quantisation of a full-precision base: ${COMPLETION-CANDIDATES} (default: nf4, double"
              + " quantised)")
  private Quantization quantization = RUN.quantization();

  /** Returns what a record's text is, and how the base model is kept. */
  public RunSettings toRunSettings() {
    return RunSettings.defaults()
        .withTemplate(template.setting())
        .withResponseOnly(!allTokens)
        .withMaxLength(maxLength)
        .withQuantization(quantization);
  }

  /** Returns how to learn. */
  public Training toTraining() {
    Training.Builder builder =
        DEFAULTS.toBuilder()
            .epochs(epochs)
            .batchSize(batch)
            .accumulation(accumulation)
            .learningRate(learningRate)
            .weightDecay(weightDecay)
            .clipNorm(clipNorm)
            .packed(!padded);
    return (span == Span.RUN
            ? builder.scheduleOverRun(schedule, warmup)
            : builder.scheduleOverRound(schedule, warmup))
        .build();
  }
}
