package org.edgefit.proto.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.edgefit.client.Config;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.federation.FakeClient;
import org.edgefit.federation.FakeTask;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Task;
import org.edgefit.run.FileRef;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WireCodecTest {

  private static final FileRef ADAPTER = new FileRef("rounds/0000/adapter", 17, "ab".repeat(32));
  private static final FileRef TENSORS = new FileRef("rounds/0001/assigned", 19, "cd".repeat(32));
  private static final Training TRAINING =
      Training.defaults().toBuilder().epochs(3).learningRate(2e-4).build();

  private static Task message(
      PlannedTask.Kind kind,
      @Nullable FileRef tensors,
      @Nullable TaskId memory,
      @Nullable TaskId horizon) {
    PlannedTask plan =
        new PlannedTask(
            new TaskId(7),
            2,
            kind,
            "home",
            ADAPTER,
            FakeClient.LORA,
            TRAINING,
            Config.none().with("mu", 0.25),
            tensors,
            List.of(),
            memory,
            horizon,
            Map.of());
    return WireCodec.toMessage(
        FakeTask.of(
            plan, Path.of("adapter"), Path.of("incoming"), Duration.ZERO, (task, result) -> null));
  }

  @Test
  void taskArrivesAsItWasPlanned() {
    Task task = message(PlannedTask.Kind.FIT, TENSORS, new TaskId(3), new TaskId(2));
    assertThat(task.getTask()).isEqualTo(7);
    assertThat(task.getKind()).isEqualTo(Task.Kind.FIT);
    assertThat(task.getRound()).isEqualTo(2);
    assertThat(task.getRounds()).isEqualTo(2);
    assertThat(task.getSeed()).isEqualTo(1);
    assertThat(task.getAdapter().getBytes()).isEqualTo(17);
    assertThat(task.getAdapter().getSha256()).isEqualTo(ADAPTER.sha256());
    assertThat(task.getTensors().getBytes()).isEqualTo(19);
    assertThat(task.getTensors().getSha256()).isEqualTo(TENSORS.sha256());
    assertThat(WireCodec.lora(task)).isEqualTo(FakeClient.LORA);
    assertThat(WireCodec.training(task)).isEqualTo(TRAINING);
    assertThat(WireCodec.config(task).number("mu")).isEqualTo(0.25);
    assertThat(WireCodec.task(task.getMemory())).isEqualTo(new TaskId(3));
    assertThat(WireCodec.task(task.getMemoryHorizon())).isEqualTo(new TaskId(2));
  }

  @Test
  void whatATaskDoesNotHaveDoesNotArrive() {
    Task task = message(PlannedTask.Kind.EVALUATE, null, null, null);
    assertThat(task.getKind()).isEqualTo(Task.Kind.EVALUATE);
    assertThat(task.hasTensors()).isFalse();
    assertThat(WireCodec.task(task.getMemory())).isNull();
    assertThat(WireCodec.task(task.getMemoryHorizon())).isNull();
  }

  @Test
  void runSettingsArriveAsTheyAre() {
    RunSettings settings =
        RunSettings.defaults()
            .withTemplate("{{ messages[0]['content'] }}\n\u0627")
            .withLabels(List.of("normal", "anomaly"))
            .withAfterLabel("\n")
            .withResponseOnly(false)
            .withMaxLength(77)
            .withQuantization(Quantization.NONE);
    assertThat(WireCodec.runSettings(WireCodec.toText(settings))).isEqualTo(settings);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "null", "7", "{\"maxLength\": 1}", "{\"unknown\": 1}"})
  void settingsThatCannotBeReadAreNamed(String text) {
    assertThatThrownBy(() -> WireCodec.runSettings(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("settings");
  }

  @Test
  void damagedPartsOfATaskAreNamed() {
    Task task = message(PlannedTask.Kind.FIT, null, null, null);
    Task broken = task.toBuilder().setLora("{}").setTraining("x").setConfig("[1]").build();
    assertThatThrownBy(() -> WireCodec.lora(broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lora");
    assertThatThrownBy(() -> WireCodec.training(broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("training");
    assertThatThrownBy(() -> WireCodec.config(broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("config");
  }

  @Test
  void trainingOutOfRangeIsRefusedByItsName() {
    Task task = message(PlannedTask.Kind.FIT, null, null, null);
    String text = task.getTraining();
    assertThat(text).contains("\"epochs\":3");
    Task broken =
        task.toBuilder().setTraining(text.replace("\"epochs\":3", "\"epochs\":0")).build();
    assertThatThrownBy(() -> WireCodec.training(broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("epochs");
  }

  @ParameterizedTest
  @EnumSource
  void everyEndOfARunHasItsWord(RunEvent.End end) {
    Finished finished = WireCodec.toMessage(new RunEvent.RunClosed(end, "why", ""));
    assertThat(finished.getEnd().name()).isEqualTo(end.name());
    assertThat(finished.getDetail()).isEqualTo("why");
  }

  @Test
  void runThatEndsWithoutAWordHasFailed() {
    assertThat(Finished.getDefaultInstance().getEnd()).isEqualTo(Finished.End.FAILED);
  }
}
