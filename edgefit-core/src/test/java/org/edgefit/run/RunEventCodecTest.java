package org.edgefit.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Config;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.file.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class RunEventCodecTest {

  private static final FileRef FILE = new FileRef("rounds/0001/a", 12, "ab".repeat(32));
  private static final FileRef OTHER = new FileRef("rounds/0001/b", 0, "cd".repeat(32));

  private static final Outcome TRAINED =
      new Outcome.Trained(
          new TaskId(1),
          "a",
          7,
          70,
          new TreeMap<>(Map.of("loss", 0.25, "x", -1e-9)),
          FILE,
          true,
          List.of("n"));
  private static final Outcome EVALUATED =
      new Outcome.Evaluated(new TaskId(2), "b", 3, Map.of("f1", 1.0), FILE, List.of());
  private static final Outcome WITHOUT_TENSORS =
      new Outcome.Evaluated(new TaskId(3), "c", 3, Map.of(), null, List.of("dropped", "more"));
  private static final Outcome FAILED = new Outcome.Failed(new TaskId(4), "d", "out of memory");
  private static final Outcome TIMED_OUT =
      new Outcome.TimedOut(new TaskId(5), "e", Duration.ofMillis(1500));
  private static final Outcome REJECTED =
      new Outcome.Rejected(new TaskId(6), "f", "NaN", Long.MAX_VALUE);

  private static PlannedTask task(boolean isFull) {
    return new PlannedTask(
        new TaskId(9),
        4,
        isFull ? PlannedTask.Kind.FIT : PlannedTask.Kind.EVALUATE,
        "home \"7\"",
        FILE,
        new LoraConfig(2, 4, 0.1, List.of("q_proj"), isFull),
        Training.defaults().toBuilder().epochs(3).learningRate(1e-5).build(),
        isFull ? Config.none().with("mu", 0.1) : Config.none(),
        isFull ? OTHER : null,
        isFull ? List.of("control") : List.of(),
        isFull ? new TaskId(5) : null,
        isFull ? new TaskId(2) : null,
        isFull ? Map.of("compute", "float32") : Map.of());
  }

  private static RoundSummary summary(boolean isFull) {
    return new RoundSummary(
        2,
        isFull ? List.of(TRAINED, FAILED, TIMED_OUT, REJECTED) : List.of(),
        isFull ? List.of(EVALUATED, WITHOUT_TENSORS) : List.of(),
        Map.of("loss", 0.5),
        Map.of("f1", 0.25),
        isFull ? Map.of("accuracy", 1.0) : Map.of(),
        123,
        456,
        Duration.ofMillis(98_765),
        FILE,
        OTHER,
        isFull ? FILE : null,
        isFull ? "quorum" : "",
        isFull ? List.of("note") : List.of());
  }

  static Stream<RunEvent.Kept> kept() {
    return Stream.of(
        new RunEvent.RunOpened(
            "run-1", Map.of("rounds", 3L, "s", "x", "list", List.of(1L, 2.5), "on", true)),
        new RunEvent.RunResumed(3, 9, List.of("tail cut")),
        new RunEvent.RoundOpened(
            1, 3, Map.of("a", Map.of("n", "1"), "b", Map.of()), List.of(task(true), task(false))),
        new RunEvent.EvaluationOpened(1, Map.of("a", Map.of()), List.of(task(false))),
        new RunEvent.TaskAsked(1, new TaskId(8), "a"),
        new RunEvent.ClientFinished(1, TRAINED),
        new RunEvent.ClientFinished(1, EVALUATED),
        new RunEvent.ClientFinished(1, WITHOUT_TENSORS),
        new RunEvent.ClientFinished(1, FAILED),
        new RunEvent.ClientFinished(1, TIMED_OUT),
        new RunEvent.ClientFinished(1, REJECTED),
        new RunEvent.RoundClosed(summary(true)),
        new RunEvent.RoundClosed(summary(false)),
        new RunEvent.RunClosed(RunEvent.End.DONE, "", FILE.sha256()),
        new RunEvent.RunClosed(RunEvent.End.STOPPED, "in round 2", ""),
        new RunEvent.RunClosed(RunEvent.End.FAILED, "disk full", ""));
  }

  @ParameterizedTest
  @MethodSource("kept")
  void keptEventIsReadAsItWas(RunEvent.Kept event) throws IOException {
    String line = event.toJson();
    assertThat(line).doesNotContain("\n");
    assertThat(RunEventCodec.fromJson(Json.parse(line, "line"))).isEqualTo(event);
  }

  @Test
  void eventsForListenersAloneAreTold() throws IOException {
    assertThat(new RunEvent.ClientJoined("a").toJson())
        .isEqualTo("{\"event\":\"clientJoined\",\"client\":\"a\"}");
    ObjectNode left = Json.parse(new RunEvent.ClientLeft("a").toJson(), "line");
    assertThat(left.path("event").asText()).isEqualTo("clientLeft");
    assertThatThrownBy(() -> RunEventCodec.fromJson(left))
        .hasMessage("event: \"clientLeft\" (expected: a known one)");
  }

  /** A strategy may measure what JSON has no word for. */
  @Test
  void metricsThatAreNoNumbersComeBack() throws IOException {
    RunEvent.ClientFinished event =
        new RunEvent.ClientFinished(
            1,
            new Outcome.Evaluated(
                new TaskId(2),
                "b",
                3,
                Map.of("nan", Double.NaN, "up", Double.POSITIVE_INFINITY, "f", 0.1),
                null,
                List.of()));
    assertThat(RunEventCodec.fromJson(Json.parse(event.toJson(), "line"))).isEqualTo(event);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'event':'runOpened','format':2,'run':'r'} | format 2 (expected: 1)",
        "{'event':'runOpened','format':1} | run:  (expected: a text)",
        "{'event':'taskAsked','round':1,'task':1.5,'client':'a'}"
            + " | task: 1.5 (expected: an integer)",
        "{'event':'taskAsked','round':'1','task':1,'client':'a'}"
            + " | round: \"1\" (expected: an integer)",
        "{'event':'clientFinished','round':1,"
            + "'client':{'task':1,'clientId':'a','outcome':'lost'}}"
            + " | outcome: lost (expected: a known one)",
        "{'event':'runClosed','end':'done','detail':'','adapterSha256':7}"
            + " | adapterSha256: 7 (expected: a text)",
        "{} | event:  (expected: a known one)",
      })
  void lineThatIsNoEventIsRefused(String json, String message) throws IOException {
    ObjectNode node = Json.parse(json.replace('\'', '"'), "line");
    assertThatThrownBy(() -> RunEventCodec.fromJson(node))
        .isInstanceOf(IOException.class)
        .hasMessage(message);
  }

  @Test
  void rowsAreOnePerClientAndTheRounds() {
    List<ObjectNode> rows =
        RunEventCodec.rows(summary(true), Map.of(new TaskId(1), Map.of("compute", "float32")));
    assertThat(rows).hasSize(7);
    assertThat(rows.get(0))
        .hasToString(
            "{\"round\":2,\"client\":\"a\",\"outcome\":\"trained\",\"detail\":\"n\","
                + "\"examples\":7,\"labelTokens\":70,\"metrics\":{\"loss\":0.25,\"x\":-1.0E-9},"
                + "\"machine\":{\"compute\":\"float32\"}}");
    assertThat(rows.get(1).path("detail").asText()).isEqualTo("out of memory");
    assertThat(rows.get(1).path("machine").isEmpty()).isTrue();
    assertThat(rows.get(2).path("detail").asText()).isEqualTo("no answer in 1.5 s");
    assertThat(rows.get(4).path("evaluation").asBoolean()).isTrue();
    assertThat(rows.get(0).has("evaluation")).isFalse();
    ObjectNode own = rows.get(6);
    assertThat(own.path("failure").asText()).isEqualTo("quorum");
    assertThat(own.path("seconds").asDouble()).isEqualTo(98.765);
    assertThat(own.has("clients")).isFalse();
    assertThat(own.has("adapter")).isFalse();
    assertThat(own.path("notes").size()).isEqualTo(1);

    List<ObjectNode> bare = RunEventCodec.rows(summary(false), Map.of());
    assertThat(bare).hasSize(1);
    assertThat(bare.get(0).has("failure")).isFalse();
    assertThat(bare.get(0).has("notes")).isFalse();
    assertThat(bare.get(0).path("bytesUp").asLong()).isEqualTo(456);
  }

  @Test
  void settingsAreSortedAtEveryDepth() {
    assertThat(
            RunEventCodec.sorted(
                Map.of("b", Map.of("z", 1, "a", List.of(Map.of("y", 1, "x", 2))), "a", "text")))
        .hasToString("{\"a\":\"text\",\"b\":{\"a\":[{\"x\":2,\"y\":1}],\"z\":1}}");
  }

  @Test
  void outcomesSayWhatTheyAreWorth() {
    assertThat(TRAINED.isUsable()).isTrue();
    assertThat(EVALUATED.isUsable()).isTrue();
    assertThat(FAILED.isUsable()).isFalse();
    assertThat(TIMED_OUT.isUsable()).isFalse();
    assertThat(REJECTED.isUsable()).isFalse();
    assertThat(TRAINED.bytes()).isEqualTo(12);
    assertThat(EVALUATED.bytes()).isEqualTo(12);
    assertThat(WITHOUT_TENSORS.bytes()).isZero();
    assertThat(WITHOUT_TENSORS.detail()).isEqualTo("dropped; more");
    assertThat(REJECTED.bytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(FAILED.examples()).isZero();
    assertThat(FAILED.labelTokens()).isZero();
    assertThat(FAILED.metrics()).isEmpty();
  }

  @Test
  void historyKnowsWhatEachClientMeasuredLast() {
    RoundSummary first = summary(true);
    History history = new History(List.of(summary(false), first, summary(false)));
    assertThat(history.last()).isEqualTo(summary(false));
    assertThat(history.bytesMoved()).isEqualTo(3 * (123 + 456));
    assertThat(history.lastMetrics("a")).containsEntry("loss", 0.25);
    assertThat(history.lastMetrics("d")).isEmpty();
    assertThat(history.lastMetrics("nobody")).isEmpty();
    assertThat(first.trained()).isEqualTo(1);
    assertThat(first.metric("accuracy")).isEqualTo(1);
    assertThat(first.metric("f1")).isEqualTo(0.25);
    assertThat(first.metric("loss")).isNull();
    assertThat(first.adapterSha256()).isEqualTo(FILE.sha256());
  }
}
