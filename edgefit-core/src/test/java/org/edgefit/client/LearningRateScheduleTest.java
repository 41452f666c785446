package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {

  @Test
  void warmupRisesInEqualParts() {
    assertThat(LearningRateSchedule.CONSTANT.factor(0, 10, 4)).isEqualTo(0.25);
    assertThat(LearningRateSchedule.CONSTANT.factor(3, 10, 4)).isEqualTo(1);
    assertThat(LearningRateSchedule.CONSTANT.factor(9, 10, 4)).isEqualTo(1);
  }

  @Test
  void linearFallsToZeroAfterTheLastStep() {
    assertThat(LearningRateSchedule.LINEAR.factor(2, 10, 2)).isEqualTo(1);
    assertThat(LearningRateSchedule.LINEAR.factor(6, 10, 2)).isEqualTo(0.5);
    assertThat(LearningRateSchedule.LINEAR.factor(10, 10, 2)).isZero();
  }

  @Test
  void cosineIsHalfWayInTheMiddle() {
    assertThat(LearningRateSchedule.COSINE.factor(0, 8, 0)).isEqualTo(1);
    assertThat(LearningRateSchedule.COSINE.factor(4, 8, 0)).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void settingsOutOfRangeAreRefusedByName() {
    Training.Builder builder = Training.defaults().toBuilder();
    assertThatThrownBy(() -> builder.learningRate(-1).build())
        .hasMessage("learningRate: -1.0 (expected: > 0)");
    assertThatThrownBy(() -> Training.defaults().toBuilder().batchSize(0).build())
        .hasMessage("batchSize: 0 (expected: >= 1)");
  }
}
