package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.random.Seed;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a federation takes as its settings, and what a run that goes on must have kept of them. */
class RunSettingsCheckTest {

  @TempDir Path temp;

  private interface Change extends UnaryOperator<Federation.Builder> {}

  private Path run() {
    return temp.resolve("run");
  }

  private static FakePool pool() {
    FakePool pool = new FakePool("a");
    return pool.onAsk(task -> pool.answer(task, 1, 1));
  }

  private Federation.Builder federation() {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(pool())
        .adapter(FakeClient.start())
        .seed(7)
        .baseModel("models/tiny")
        .note("baseModelHash", "ab")
        .runDirectory(run());
  }

  static Stream<Arguments> numbersOutOfRange() {
    return Stream.of(
        Arguments.of((Change) f -> f.minimumClients(0), "minimumClients: 0 (expected: >= 1)"),
        Arguments.of((Change) f -> f.quorum(0), "quorum: 0 (expected: >= 1)"),
        Arguments.of((Change) f -> f.maxExamples(0), "maxExamples: 0 (expected: >= 1)"),
        Arguments.of((Change) f -> f.maxLabelTokens(-3), "maxLabelTokens: -3 (expected: >= 1)"),
        Arguments.of((Change) f -> f.rollbackRounds(0), "rollbackRounds: 0 (expected: >= 1)"),
        Arguments.of(
            (Change) f -> f.roundDeadline(Duration.ZERO), "roundDeadline: PT0S (expected: > 0)"),
        Arguments.of(
            (Change) f -> f.roundDeadline(Duration.ofSeconds(-2)),
            "roundDeadline: PT-2S (expected: > 0)"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("numbersOutOfRange")
  void numberOutOfItsRangeIsRefusedBeforeAnythingBegins(Change change, String message) {
    assertThatThrownBy(() -> change.apply(federation()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThat(run()).doesNotExist();
  }

  @Test
  void leastNumbersAreTaken() throws Exception {
    RunResult result =
        federation()
            .minimumClients(1)
            .quorum(1)
            .maxExamples(1)
            .maxLabelTokens(10)
            .rollbackRounds(1)
            .roundDeadline(Duration.ofNanos(1))
            .build()
            .run(1);
    assertThat(result.history().last().trained()).isEqualTo(1);
  }

  @Test
  void federationWithoutWhatItNeedsIsRefused() {
    List<Federation.Builder> lacking =
        List.of(
            Federation.builder().clients(pool()).adapter(FakeClient.start()),
            Federation.builder().strategy(Strategy.fedAvg()).adapter(FakeClient.start()),
            Federation.builder().strategy(Strategy.fedAvg()).clients(pool()));
    for (Federation.Builder one : lacking) {
      assertThatThrownBy(one::build)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("strategy, clients and adapter are required");
    }
    assertThatThrownBy(
            () ->
                Federation.builder()
                    .strategy(Strategy.fedAvg())
                    .clients(pool())
                    .adapter(FakeClient.start())
                    .resume()
                    .build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("resume() needs a run directory");
  }

  @Test
  void everythingThatWasChosenIsInTheRunsFirstEvent() throws Exception {
    List<RunEvent.RunOpened> opened = new ArrayList<>();
    federation()
        .minimumClients(1)
        .quorum(1)
        .maxExamples(100)
        .maxLabelTokens(2000)
        .rollbackRounds(3)
        .roundDeadline(Duration.ofMinutes(2))
        .training(Training.defaults().toBuilder().epochs(2).build())
        .settings(RunSettings.defaults().withMaxLength(99))
        .listener(
            event -> {
              if (event instanceof RunEvent.RunOpened one) {
                opened.add(one);
              }
            })
        .build()
        .run(1);
    Map<String, Object> settings = opened.get(0).settings();
    assertThat(settings)
        .containsEntry("rounds", 1)
        .containsEntry("seed", 7L)
        .containsEntry("baseModel", "models/tiny")
        .containsEntry("minimumClients", 1)
        .containsEntry("quorum", 1)
        .containsEntry("maxExamples", 100L)
        .containsEntry("maxLabelTokens", 2000L)
        .containsEntry("roundDeadline", "PT2M")
        .containsEntry("rollbackRounds", 3)
        .containsEntry("baseModelHash", "ab")
        .containsEntry("java", Runtime.version().toString())
        .containsKeys("edgefit", "strategy", "lora");
    assertThat(settings.get("training")).asString().contains("\"epochs\":2");
    assertThat(settings.get("settings")).asString().contains("\"maxLength\":99");
    assertThat(settings.get("lora")).asString().contains("\"rank\":1");
  }

  static Stream<Arguments> otherSettings() {
    return Stream.of(
        Arguments.of((Change) f -> f.seed(8), "seed: 8 (expected: 7,"),
        Arguments.of((Change) f -> f.quorum(2), "quorum: 2 (expected: 1,"),
        Arguments.of((Change) f -> f.minimumClients(2), "minimumClients: 2 (expected: 1,"),
        Arguments.of((Change) f -> f.maxExamples(5), "maxExamples: 5 (expected: 1000000,"),
        Arguments.of((Change) f -> f.maxLabelTokens(5), "maxLabelTokens: 5 (expected: 1000000000,"),
        Arguments.of((Change) f -> f.rollbackRounds(1), "rollbackRounds: 1 (expected: 8,"),
        Arguments.of(
            (Change) f -> f.roundDeadline(Duration.ofSeconds(9)),
            "roundDeadline: PT9S (expected: PT24H,"),
        Arguments.of(
            (Change) f -> f.baseModel("models/other"),
            "baseModel: models/other (expected: models/tiny,"),
        Arguments.of(
            (Change) f -> f.note("baseModelHash", "cd"), "baseModelHash: cd (expected: ab,"),
        Arguments.of((Change) f -> f.note("extra", "x"), "extra: x (expected: none,"),
        Arguments.of(
            (Change) f -> f.training(Training.defaults().toBuilder().learningRate(1e-3).build()),
            "training.learningRate: 0.001 (expected: 2.0E-4,"),
        Arguments.of(
            (Change) f -> f.settings(RunSettings.defaults().withQuantization(Quantization.NONE)),
            "settings.quantization: NONE (expected: "),
        Arguments.of(
            (Change)
                f ->
                    f.adapter(
                        Adapter.initial(
                            FakeClient.LORA.withAlpha(4), FakeClient.LAYERS, new Seed(1))),
            "lora.alpha: 4.0 (expected: 1.0,"),
        Arguments.of(
            (Change) f -> f.strategy(Strategy.fedAvg().clientsPerRound(1)), "strategy.sampler"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("otherSettings")
  void runThatGoesOnWithAnotherSettingIsRefusedByItsNameAndBothValues(Change change, String message)
      throws Exception {
    federation().build().run(1);
    FakePool pool = pool();
    assertThatThrownBy(() -> change.apply(federation()).clients(pool).resume().build().run(2))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(run() + ": " + message)
        .hasMessageEndingWith("as in the original run)");
    assertThat(pool.asked).isEmpty();
    // What was refused has changed nothing.
    assertThat(federation().resume().build().run(2).history().last().round()).isEqualTo(2);
  }

  @Test
  void roundsMayBeMoreUnlessTheLearningRateFallsOverThemAll() throws Exception {
    Training overRun =
        Training.defaults().toBuilder().scheduleOverRun(LearningRateSchedule.COSINE, 0.1).build();
    federation().training(overRun).build().run(2);
    assertThatThrownBy(() -> federation().training(overRun).resume().build().run(3))
        .isInstanceOf(IOException.class)
        .hasMessage(run() + ": rounds: 3 (expected: 2, which the learning rate's schedule spans)");
    assertThat(federation().training(overRun).resume().build().run(2).history().last().round())
        .isEqualTo(2);
  }

  @Test
  void settingsCanBeCheckedBeforeClientsAreAskedForAnything() throws Exception {
    federation().build().run(1);
    try (RunDirectory held = RunDirectory.resume(run(), OnDamage.REFUSE)) {
      assertThatCode(() -> federation().build().requireSameSettings(held, 5))
          .doesNotThrowAnyException();
      assertThatThrownBy(() -> federation().seed(8).build().requireSameSettings(held, 5))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("seed: 8 (expected: 7,");
    }
    try (RunDirectory empty = RunDirectory.create(temp.resolve("new"))) {
      assertThatCode(() -> federation().seed(8).build().requireSameSettings(empty, 5))
          .doesNotThrowAnyException(); // there is nothing yet to differ from
    }
  }

  @Test
  void directoryThatTheCallerHoldsIsUsedAndStaysTheCallers() throws Exception {
    try (RunDirectory held = RunDirectory.create(temp.resolve("held"))) {
      RunResult result = federation().runDirectory(held).build().run(1);
      assertThat(result.history().last().round()).isEqualTo(1);
      assertThatThrownBy(() -> RunDirectory.resume(temp.resolve("held"), OnDamage.REFUSE))
          .hasMessageContaining("another run");
    }
    assertThat(run()).doesNotExist();
  }

  @Test
  void otherFirstAdapterIsRefusedByItsTensor() throws Exception {
    federation().build().run(1);
    Adapter other = Adapter.initial(FakeClient.LORA, FakeClient.LAYERS, new Seed(2));
    assertThatThrownBy(() -> federation().adapter(other).resume().build().run(2))
        .isInstanceOf(IOException.class)
        .hasMessage(
            run()
                + ": adapter: base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight:"
                + " other values (expected: the run's initial adapter)");
  }
}
