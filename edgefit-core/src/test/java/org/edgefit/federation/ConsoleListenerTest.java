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
