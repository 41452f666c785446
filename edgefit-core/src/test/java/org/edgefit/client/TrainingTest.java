package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingTest {

  @Test
  void defaultsAreThePapers() {
    Training training = Training.defaults();
    assertThat(training.epochs()).isEqualTo(3);
    assertThat(training.learningRate()).isEqualTo(2e-4);
    assertThat(training.beta1()).isEqualTo(0.9);
    assertThat(training.beta2()).isEqualTo(0.999);
    assertThat(training.schedule()).isEqualTo(LearningRateSchedule.CONSTANT);
    assertThat(training.rule()).isEmpty();
    assertThat(training.toBuilder().build()).isEqualTo(training);
  }

  @Test
  void builderChangesWhatItIsTold() {
    Training training =
        Training.defaults().toBuilder()
            .epochs(2)
            .batchSize(4)
            .accumulation(8)
            .learningRate(1e-3)
            .weightDecay(0.01)
            .adam(0.8, 0.95, 1e-6)
            .clipNorm(0.3)
            .scheduleOverRun(LearningRateSchedule.COSINE, 0.1)
            .packed(false)
            .rule("fedprox")
            .build();
    assertThat(training)
        .isEqualTo(
            new Training(
                2,
                4,
                8,
                1e-3,
                0.01,
                0.8,
                0.95,
                1e-6,
                0.3,
                LearningRateSchedule.COSINE,
                true,
                0.1,
                false,
                "fedprox"));
    Training perRound =
        training.toBuilder().scheduleOverRound(LearningRateSchedule.LINEAR, 0.2).build();
    assertThat(perRound.scheduleOverRun()).isFalse();
    assertThat(perRound.warmupRatio()).isEqualTo(0.2);
    assertThat(perRound.schedule()).isEqualTo(LearningRateSchedule.LINEAR);
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        wrong(builder -> builder.epochs(0), "epochs: 0 (expected: >= 1)"),
        wrong(builder -> builder.batchSize(0), "batchSize: 0 (expected: >= 1)"),
        wrong(builder -> builder.accumulation(-1), "accumulation: -1 (expected: >= 1)"),
        wrong(builder -> builder.learningRate(0), "learningRate: 0.0 (expected: > 0)"),
        wrong(builder -> builder.learningRate(Double.NaN), "learningRate: NaN (expected: > 0)"),
        wrong(
            builder -> builder.learningRate(Double.POSITIVE_INFINITY),
            "learningRate: Infinity (expected: > 0)"),
        wrong(builder -> builder.weightDecay(-0.1), "weightDecay: -0.1 (expected: >= 0)"),
        wrong(
            builder -> builder.weightDecay(Double.POSITIVE_INFINITY),
            "weightDecay: Infinity (expected: >= 0)"),
        wrong(builder -> builder.adam(1, 0.9, 1), "beta1: 1.0 (expected: in [0, 1))"),
        wrong(builder -> builder.adam(-0.1, 0.9, 1), "beta1: -0.1 (expected: in [0, 1))"),
        wrong(builder -> builder.adam(0.9, 1, 1), "beta2: 1.0 (expected: in [0, 1))"),
        wrong(builder -> builder.adam(0.9, -1, 1), "beta2: -1.0 (expected: in [0, 1))"),
        wrong(builder -> builder.adam(0.9, 0.9, 0), "epsilon: 0.0 (expected: > 0)"),
        wrong(
            builder -> builder.adam(0.9, 0.9, Double.POSITIVE_INFINITY),
            "epsilon: Infinity (expected: > 0)"),
        wrong(builder -> builder.clipNorm(-1), "clipNorm: -1.0 (expected: >= 0)"),
        wrong(builder -> builder.clipNorm(Double.NaN), "clipNorm: NaN (expected: >= 0)"),
        wrong(
            builder -> builder.scheduleOverRun(LearningRateSchedule.LINEAR, 1.1),
            "warmupRatio: 1.1 (expected: in [0, 1])"),
        wrong(
            builder -> builder.scheduleOverRun(LearningRateSchedule.LINEAR, -0.1),
            "warmupRatio: -0.1 (expected: in [0, 1])"));
  }

  private static Arguments wrong(UnaryOperator<Training.Builder> change, String message) {
    return arguments(change, message);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("wrong")
  void valueOutOfRangeIsNamed(UnaryOperator<Training.Builder> change, String message) {
    Training.Builder builder = change.apply(Training.defaults().toBuilder());
    assertThatThrownBy(builder::build).hasMessage(message);
  }

  @Test
  void endsOfTheRangesAreTaken() {
    Training training =
        Training.defaults().toBuilder()
            .adam(0, 0, Double.MIN_VALUE)
            .clipNorm(0)
            .weightDecay(0)
            .scheduleOverRun(LearningRateSchedule.LINEAR, 1)
            .build();
    assertThat(training.warmupRatio()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(LearningRateSchedule.class)
  void warmUpRisesInEqualParts(LearningRateSchedule schedule) {
    for (int step = 0; step < 4; step++) {
      assertThat(schedule.factor(step, 10, 4)).isEqualTo((step + 1) / 4.0);
    }
    assertThat(schedule.factor(4, 10, 4)).isEqualTo(1);
  }

  /** transformers' get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup. */
  @Test
  void schedulesFallToZeroAfterTheLastStep() {
    for (int step = 0; step < 8; step++) {
      assertThat(LearningRateSchedule.CONSTANT.factor(step, 8, 0)).isEqualTo(1);
      assertThat(LearningRateSchedule.LINEAR.factor(step, 8, 0))
          .isCloseTo(1 - step / 8.0, within(1e-15));
      assertThat(LearningRateSchedule.COSINE.factor(step, 8, 0))
          .isCloseTo(0.5 * (1 + Math.cos(Math.PI * step / 8)), within(1e-15));
    }
    assertThat(LearningRateSchedule.LINEAR.factor(8, 8, 0)).isZero();
    assertThat(LearningRateSchedule.COSINE.factor(8, 8, 0)).isCloseTo(0, within(1e-15));
    assertThat(LearningRateSchedule.LINEAR.factor(4, 4, 4)).isEqualTo(1); // nothing but warm-up
  }

  @Test
  void settingsOfARunChangeOneByOne() {
    RunSettings settings = RunSettings.defaults();
    assertThat(settings)
        .isEqualTo(new RunSettings("auto", true, 512, List.of(), "auto", Quantization.NF4));
    RunSettings changed =
        settings
            .withTemplate("alpaca")
            .withResponseOnly(false)
            .withMaxLength(64)
            .withLabels(List.of("a", "b"))
            .withAfterLabel("end")
            .withQuantization(Quantization.NONE);
    assertThat(changed)
        .isEqualTo(
            new RunSettings("alpaca", false, 64, List.of("a", "b"), "end", Quantization.NONE));
    assertThatThrownBy(() -> settings.withMaxLength(1)).hasMessage("maxLength: 1 (expected: >= 2)");
    assertThat(RunSettings.isOwnTemplate("auto")).isTrue();
    assertThat(RunSettings.isOwnTemplate("auto:tool_use")).isTrue();
    assertThat(RunSettings.isOwnTemplate("automatic")).isFalse();
    assertThat(RunSettings.isOwnTemplate("alpaca")).isFalse();
  }
}
