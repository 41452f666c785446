package org.edgefit.proto.codec;

import java.util.Arrays;
import java.util.Locale;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;

/**
 * Turns settings into messages and back. A message with a value that the settings do not allow is
 * an {@link IllegalArgumentException} that names it.
 */
public final class WireCodec {

  /** The protocol's version; both sides must have the same. */
  public static final int PROTOCOL = 2;

  private WireCodec() {}

  /** Returns the message of a LoRA config. */
  public static org.edgefit.proto.LoraConfig toMessage(LoraConfig config) {
    return org.edgefit.proto.LoraConfig.newBuilder()
        .setRank(config.rank())
        .setAlpha(config.alpha())
        .setDropout(config.dropout())
        .addAllTargets(config.targets())
        .setRankStabilized(config.rankStabilized())
        .build();
  }

  /** Returns the LoRA config of a message. */
  public static LoraConfig fromMessage(org.edgefit.proto.LoraConfig message) {
    return new LoraConfig(
        message.getRank(),
        message.getAlpha(),
        message.getDropout(),
        message.getTargetsList(),
        message.getRankStabilized());
  }

  /** Returns the message of training settings. */
  public static org.edgefit.proto.Training toMessage(Training training) {
    return org.edgefit.proto.Training.newBuilder()
        .setEpochs(training.epochs())
        .setBatchSize(training.batchSize())
        .setAccumulation(training.accumulation())
        .setMaxLength(training.maxLength())
        .setLearningRate(training.learningRate())
        .setWeightDecay(training.weightDecay())
        .setBeta1(training.beta1())
        .setBeta2(training.beta2())
        .setEpsilon(training.epsilon())
        .setClipNorm(training.clipNorm())
        .setSchedule(training.schedule().name())
        .setScheduleOverRun(training.scheduleOverRun())
        .setWarmupRatio(training.warmupRatio())
        .setResponseOnly(training.responseOnly())
        .setTemplate(training.template())
        .setQuantization(training.quantization().name())
        .addAllLabels(training.labels())
        .setPacked(training.packed())
        .build();
  }

  /** Returns the training settings of a message. */
  public static Training fromMessage(org.edgefit.proto.Training message) {
    return new Training(
        message.getEpochs(),
        message.getBatchSize(),
        message.getAccumulation(),
        message.getMaxLength(),
        message.getLearningRate(),
        message.getWeightDecay(),
        message.getBeta1(),
        message.getBeta2(),
        message.getEpsilon(),
        message.getClipNorm(),
        constant(LearningRateSchedule.class, "schedule", message.getSchedule()),
        message.getScheduleOverRun(),
        message.getWarmupRatio(),
        message.getResponseOnly(),
        message.getTemplate(),
        constant(Quantization.class, "quantization", message.getQuantization()),
        message.getLabelsList(),
        message.getPacked());
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String name, String value) {
    try {
      return Enum.valueOf(type, value.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          name
              + ": "
              + value
              + " (expected: one of "
              + Arrays.toString(type.getEnumConstants())
              + ")",
          e);
    }
  }
}
