package org.edgefit.federation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Config;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConsoleListenerTest {

  private static final FileRef FILE = new FileRef("f", 1_000_000, "0");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private long now = 5_000_000_000L;
  private final RunListener console =
      new ConsoleListener(new PrintStream(out, true, UTF_8), () -> now);

  @Test
  void linesSayTheTimeLeftOnceItIsKnown() {
    after(0, new RunEvent.RunResumed(3, 4, List.of("memory set aside")));
    after(60, opened(3, 4, "a", "b"));
    after(10, finished(3, "a"));
    after(10, new RunEvent.ClientFinished(3, new Outcome.Failed(new TaskId(3), "b", "gone")));
    after(10, closed(3, Map.of("f1", 0.5)));
    after(0, opened(4, 4, "a", "b"));
    after(20, finished(4, "a"));
    after(20, finished(4, "b"));
    after(5, closed(4, Map.of()));

    assertThat(out.toString(UTF_8))
        .isEqualToNormalizingNewlines(
            """
            resuming at round 3 of 4
              memory set aside
            round 3/4: clients a, b
              a trained on 7 records, loss 0.2500, about 50 s left
              b failed: gone, about 40 s left
            round 3: 0 of 0 clients, server f1 0.5000, 0.0 MB sent, 2.0 s, about 30 s left
            round 4/4: clients a, b, about 30 s left
              a trained on 7 records, loss 0.2500, about 25 s left
              b trained on 7 records, loss 0.2500, about 14 s left
            round 4: 0 of 0 clients, 0.0 MB sent, 2.0 s
            """);
  }

  @Test
  void longTimesAreInMinutesAndHours() {
    after(0, opened(1, 2, "a"));
    after(200, finished(1, "a"));
    after(7000, closed(1, Map.of()));

    assertThat(out.toString(UTF_8)).contains("about 10 min left").contains("about 2.0 h left");
  }

  private static RunEvent closed(RoundSummary summary) {
    return new RunEvent.RoundClosed(summary);
  }

  private static RoundSummary summary(int round, String failure, List<String> notes) {
    return new RoundSummary(
        round,
        List.of(
            new Outcome.Trained(new TaskId(1), "a", 7, 70, Map.of(), FILE, false, List.of()),
            new Outcome.Failed(new TaskId(2), "b", "gone")),
        List.of(),
        Map.of("loss", 1234.5678, "accuracy", 0.5),
        Map.of("f1", 0.125),
        Map.of("f1", 1e-5),
        4_400_000,
        1_560_000,
        Duration.ofMillis(12_340),
        FILE,
        FILE,
        null,
        failure,
        notes);
  }

  @Test
  void roundSaysAllThatItMeasuredWhatItMovedAndWhyItChangedNothing() {
    after(0, closed(summary(3, "0 usable answers", List.of("a: weight capped", "and more"))));
    assertThat(out.toString(UTF_8))
        .isEqualToNormalizingNewlines(
            """
            round 3: 1 of 2 clients, training accuracy 0.5000, loss 1235, clients f1 0.1250, server\
             f1 1.000e-05, 6.0 MB sent, 12.3 s
              adapter unchanged: 0 usable answers
              a: weight capped
              and more
            """);
  }

  @Test
  void stateBeforeTrainingIsToldWithTheServersMeasuresAlone() {
    after(0, closed(summary(0, "", List.of())));
    after(0, closed(0, Map.of()));
    assertThat(out.toString(UTF_8))
        .isEqualToNormalizingNewlines("before training: server f1 1.000e-05\nbefore training\n");
  }

  @Test
  void endsOfTasksAreToldEachInItsWords() {
    TaskId id = new TaskId(1);
    List<Outcome> outcomes =
        List.of(
            new Outcome.Trained(
                id, "a", 7, 70, Map.of(), FILE, false, List.of("metric x dropped", "y too")),
            new Outcome.Evaluated(id, "b", 5, Map.of("f1", 0.75), null, List.of()),
            new Outcome.Evaluated(id, "c", 1, Map.of(), null, List.of("metric z dropped")),
            new Outcome.Rejected(id, "d", "examples: 0 (expected: 1 to 10)", 9),
            new Outcome.TimedOut(id, "e", Duration.ofMillis(1500)));
    outcomes.forEach(outcome -> after(1, new RunEvent.ClientFinished(1, outcome)));
    assertThat(out.toString(UTF_8))
        .isEqualToNormalizingNewlines(
            """
              a trained on 7 records (metric x dropped; y too)
              b evaluated 5 records, f1 0.7500
              c evaluated 1 records (metric z dropped)
              d rejected: examples: 0 (expected: 1 to 10)
              e timed out: no answer in 1.5 s
            """);
  }

  @Test
  void endIsToldOnlyWhereTheRunIsNotDone() {
    after(0, new RunEvent.RunClosed(RunEvent.End.DONE, "", "ab"));
    after(0, new RunEvent.RunClosed(RunEvent.End.FAILED, "out of disk: 100 % full", ""));
    after(0, new RunEvent.RunClosed(RunEvent.End.STOPPED, "stopped in round 2", ""));
    assertThat(out.toString(UTF_8))
        .isEqualToNormalizingNewlines(
            """
            the run failed: out of disk: 100 % full
            the run stopped: stopped in round 2
            """);
  }

  @ParameterizedTest(name = "{0} s")
  @CsvSource({
    "0,      ', about 1 s left'",
    "1,      ', about 1 s left'",
    "89,     ', about 89 s left'",
    "90,     ', about 2 min left'",
    "5399,   ', about 90 min left'",
    "5400,   ', about 1.5 h left'",
    "360000, ', about 100.0 h left'"
  })
  void timeLeftIsInTheUnitThatReadsBest(long seconds, String text) {
    after(0, opened(1, 2, "a"));
    after(seconds, closed(1, Map.of())); // half is done, so as much is left
    assertThat(out.toString(UTF_8)).endsWith("2.0 s" + text + System.lineSeparator());
  }

  @Test
  void evaluationsCountAsTasksOfTheirRound() {
    after(0, opened(1, 1, "a"));
    after(10, finished(1, "a")); // one of one task, and the closing
    after(0, new RunEvent.EvaluationOpened(1, Map.of(), List.of(task(1, "a"), task(1, "b"))));
    after(10, finished(1, "a")); // two of three
    assertThat(out.toString(UTF_8).lines().filter(line -> line.contains("trained")))
        .containsExactly(
            "  a trained on 7 records, loss 0.2500, about 10 s left",
            "  a trained on 7 records, loss 0.2500, about 20 s left");
  }

  private void after(long seconds, RunEvent event) {
    now += seconds * 1_000_000_000L;
    console.on(event);
  }

  private static RunEvent opened(int round, int rounds, String... clients) {
    return new RunEvent.RoundOpened(
        round, rounds, Map.of(), List.of(clients).stream().map(id -> task(round, id)).toList());
  }

  private static PlannedTask task(int round, String client) {
    return new PlannedTask(
        new TaskId(round),
        round,
        PlannedTask.Kind.FIT,
        client,
        FILE,
        LoraConfig.attention(2),
        Training.defaults(),
        Config.none(),
        null,
        List.of(),
        null,
        null,
        Map.of());
  }

  private static RunEvent finished(int round, String client) {
    return new RunEvent.ClientFinished(
        round,
        new Outcome.Trained(
            new TaskId(round), client, 7, 70, Map.of("loss", 0.25), FILE, false, List.of()));
  }

  private static RunEvent closed(int round, Map<String, Double> serverMetrics) {
    return new RunEvent.RoundClosed(
        new RoundSummary(
            round,
            List.of(),
            List.of(),
            Map.of(),
            Map.of(),
            serverMetrics,
            0,
            0,
            Duration.ofSeconds(2),
            FILE,
            FILE,
            null,
            "",
            List.of()));
  }
}
