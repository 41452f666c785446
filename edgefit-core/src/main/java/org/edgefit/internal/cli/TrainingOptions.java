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
      description = "passes over the data, in each round (default: ${DEFAULT-VALUE})")
  private int epochs = DEFAULTS.epochs();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "records in a forward pass (default: ${DEFAULT-VALUE})")
  private int batch = DEFAULTS.batchSize();

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      description = "forward passes in an optimizer step (default: ${DEFAULT-VALUE})")
  private int accumulation = DEFAULTS.accumulation();

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "most tokens of a record; a longer one loses the end of its question"
              + " (default: ${DEFAULT-VALUE})")
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
      description = "largest norm of a step's gradient; 0: any (default: ${DEFAULT-VALUE})")
  private double clipNorm = DEFAULTS.clipNorm();

  @Option(
      names = "--schedule",
      description = "how the learning rate falls: ${COMPLETION-CANDIDATES} (default: constant)")
  private LearningRateSchedule schedule = DEFAULTS.schedule();

  @Option(
      names = "--schedule-over",
      description = "what the schedule spans: ${COMPLETION-CANDIDATES} (default: round)")
  private Span span = Span.ROUND;

  @Option(
      names = "--warmup",
      paramLabel = "SHARE",
      description =
          "share of that span over which the learning rate rises (default: ${DEFAULT-VALUE})")
  private double warmup = DEFAULTS.warmupRatio();

  @Option(
      names = "--all-tokens",
      description = "learn every token of a record, not its response alone")
  private boolean allTokens;

  @Option(
      names = "--padded",
      description =
          "pad the texts of a batch to the longest, in batches of texts of like length, instead of"
              + " laying them one after the other")
  private boolean padded;

  @Mixin private TemplateOption template = new TemplateOption();

  @Option(
      names = "--quantization",
      description =
          "how a full-precision base is kept: ${COMPLETION-CANDIDATES} (default: nf4, with the"
              + " scales in 8 bits)")
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
