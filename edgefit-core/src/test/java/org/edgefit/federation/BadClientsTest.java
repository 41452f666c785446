package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.edgefit.federation.FakeClient.adding;
import static org.edgefit.federation.FakeClient.constant;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.strategy.MetricsAggregation;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Weighting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One bad client never ends a run, and never has more influence than the run allows. */
class BadClientsTest {

  @TempDir Path temp;

  private static FakeClient answering(String id, float value, long examples, Double loss) {
    return new FakeClient(
        id,
        asked -> {
          Map<String, Double> metrics = new HashMap<>();
          metrics.put("loss", loss);
          return new FitResult(
              constant(asked.adapter().layout(), value), examples, examples, metrics);
        });
  }

  private Federation.Builder federation(FakeClient... clients) {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(InProcessClients.of(List.of(clients)))
        .adapter(FakeClient.start());
  }

  private static Map<String, String> ends(List<Outcome> outcomes) {
    Map<String, String> ends = new TreeMap<>();
    outcomes.forEach(end -> ends.put(end.clientId(), end.name() + ": " + end.detail()));
    return ends;
  }

  private static float moved(RunResult result) {
    return result.adapter().tensor(1).get(0); // B starts at zero
  }

  @Test
  void nullsAndErrorsAreTheClientsFailures() throws Exception {
    FakeClient nulls = new FakeClient("null", asked -> null);
    FakeClient noDelta = new FakeClient("no-delta", asked -> new FitResult(null, 1, 1, Map.of()));
    FakeClient error =
        new FakeClient(
            "error",
            asked -> {
              throw new NoClassDefFoundError("org/example/Missing");
            });
    RunResult result = federation(nulls, noDelta, error, adding("good", 2, 1)).build().run(1);
    Map<String, String> ends = ends(result.history().last().clients());
    assertThat(ends.get("null")).startsWith("failed").contains("answered null");
    assertThat(ends.get("no-delta")).isEqualTo("failed: delta: null");
    assertThat(ends.get("error")).isEqualTo("failed: org/example/Missing");
    assertThat(moved(result)).isEqualTo(2);
  }

  @Test
  void metricThatIsNoNumberIsDroppedAndSaidWhileTheTrainingCounts() throws Exception {
    RunResult result =
        federation(
                answering("nan", 2, 1, Double.NaN),
                answering("null", 2, 1, null),
                answering("fine", 2, 1, 3.0))
            .build()
            .run(1);
    RoundSummary last = result.history().last();
    assertThat(last.trained()).isEqualTo(3);
    assertThat(ends(last.clients()).get("nan"))
        .isEqualTo("trained: metric loss dropped: NaN (expected: a finite number)");
    assertThat(ends(last.clients()).get("null")).contains("metric loss dropped: null");
    assertThat(last.fitMetrics()).containsEntry("loss", 3.0);
  }

  @Test
  void hugeMetricsHaveAMean() throws Exception {
    RunResult result =
        federation(answering("a", 1, 10, 1e308), answering("b", 1, 30, 1e308)).build().run(1);
    assertThat(result.history().last().fitMetrics()).containsEntry("loss", 1e308);
    assertThat(result.history().last().notes()).isEmpty();
  }

  @Test
  void sumThatOverflowsIsDroppedAndSaid() throws Exception {
    RunResult result =
        federation(answering("a", 1, 10, 1e308), answering("b", 1, 10, 1e308))
            .strategy(Strategy.fedAvg().metrics(MetricsAggregation.sum()))
            .build()
            .run(1);
    assertThat(result.history().last().fitMetrics()).doesNotContainKey("loss");
    assertThat(result.history().last().notes())
        .containsExactly("training metric loss dropped: combined to Infinity");
  }

  @Test
  void weightThatAClientMakesInfiniteFailsTheRoundByItsName() throws Exception {
    RunResult result =
        federation(answering("a", 1, 10, 2.0), answering("b", 1, 10, 0.0))
            .strategy(
                Strategy.fedAvg()
                    .weighting((round, update) -> 1 / update.metrics().getOrDefault("loss", 1.0)))
            .build()
            .run(2);
    assertThat(result.history().last().round()).isEqualTo(2);
    assertThat(result.history().last().failure())
        .isEqualTo("b: weight Infinity (expected: a number > 0)");
    assertThat(moved(result)).isZero();
  }

  @Test
  void descriptionThatFailsLeavesTheClientWithoutOne() throws Exception {
    FederatedClient mute =
        new FederatedClient() {
          @Override
          public String id() {
            return "mute";
          }

          @Override
          public Map<String, String> description() {
            throw new NoClassDefFoundError("x");
          }

          @Override
          public FitResult fit(FitInstruction asked) {
            return new FitResult(FakeClient.constant(asked.adapter().layout(), 3), 1, 1, Map.of());
          }
        };
    assertThat(moved(federation().clients(InProcessClients.of(List.of(mute))).build().run(1)))
        .isEqualTo(3);
  }

  @Test
  void sizeBeyondTheRunsLimitIsRejected() throws Exception {
    RunResult result =
        federation(adding("good", 2, 10), adding("huge", 5, 1L << 59)).build().run(1);
    assertThat(ends(result.history().last().clients()).get("huge"))
        .isEqualTo("rejected: examples: 576460752303423488 (expected: 1 to 1000000)");
    assertThat(moved(result)).isEqualTo(2);
  }

  @Test
  void weightIsCappedAndThatIsSaid() throws Exception {
    RunResult result =
        federation(adding("small", 1, 10), adding("large", 4, 1000))
            .strategy(Strategy.fedAvg().weighting(Weighting.examples().capped(20)))
            .build()
            .run(1);
    assertThat(moved(result)).isEqualTo((1 * 10 + 4 * 20) / 30f);
    assertThat(result.history().last().notes())
        .containsExactly("large: weight 1000.0 capped at 20.0");
  }

  @Test
  void adapterThatWouldOverflowIsNeverPublished() throws Exception {
    Path run = temp.resolve("run");
    RunResult result =
        federation(adding("good", 2, 1), adding("huge", 3e38f, 1))
            .strategy(Strategy.fedAvg().optimizer((round, mean) -> round.state().plus(mean, 3)))
            .runDirectory(run)
            .build()
            .run(2);
    for (RoundSummary round : result.history().rounds().subList(1, 3)) {
      assertThat(round.failure())
          .startsWith("adapter: base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight[0]")
          .contains("Infinity", "the largest delta there, 3.0E38, is huge's");
      assertThat(round.adapterSha256()).isEqualTo(result.history().rounds().get(0).adapterSha256());
    }
    result.adapter().requireFinite();
    assertThat(run.resolve("metrics.jsonl")).content().contains("\"failure\":\"adapter: ");
  }

  @Test
  void idThatNobodyHasIsLeftOutAndSaid() throws Exception {
    RunResult result =
        federation(adding("good", 2, 1))
            .strategy(Strategy.fedAvg().sampler(round -> List.of("good", "bad\u001b[2J\nid")))
            .build()
            .run(1);
    assertThat(moved(result)).isEqualTo(2);
    assertThat(result.history().last().notes())
        .containsExactly("unknown client: bad\\u001b[2J\\nid; skipped");
  }

  @Test
  void evaluationsThatFailAreOutcomesAndNeverReachAMean() throws Exception {
    Path run = temp.resolve("run");
    FakeClient.Fit fit = adding("x", 1, 1)::fit;
    FakeClient good = new FakeClient("good", fit, asked -> result(4, 0.5));
    FakeClient none = new FakeClient("none", fit, asked -> result(0, 1e9));
    FakeClient nan = new FakeClient("nan", fit, asked -> result(4, Double.NaN));
    FakeClient dies =
        new FakeClient(
            "dies",
            fit,
            asked -> {
              throw new UnsupportedOperationException("no held-out data");
            });
    RunResult result =
        federation(good, none, nan, dies)
            .strategy(Strategy.fedAvg().evaluateClients(4))
            .runDirectory(run)
            .build()
            .run(1);
    RoundSummary last = result.history().last();
    assertThat(last.evaluateMetrics()).containsOnly(Map.entry("f1", 0.5));
    Map<String, String> ends = ends(last.evaluations());
    assertThat(ends.get("none")).isEqualTo("rejected: examples: 0 (expected: 1 to 1000000)");
    assertThat(ends.get("nan")).startsWith("evaluated: metric f1 dropped: NaN");
    assertThat(ends.get("dies")).isEqualTo("failed: no held-out data");
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl")))
        .anyMatch(
            row -> row.contains("\"client\":\"dies\"") && row.contains("\"evaluation\":true"));
  }

  private static EvaluateResult result(long examples, double f1) {
    return new EvaluateResult(examples, Map.of("f1", f1), NamedTensors.none());
  }

  @Test
  void whatAClientSaysIsBoundedAndShownWithoutControls() throws Exception {
    FakeClient forger =
        new FakeClient(
            "forger",
            asked -> {
              throw new IllegalStateException(
                  "x\nround 1: all is well\u001b[31m" + "y".repeat(10_000));
            });
    FakeClient names =
        new FakeClient(
            "names",
            asked ->
                new FitResult(
                    constant(asked.adapter().layout(), 1),
                    1,
                    1,
                    Map.of("a\nb", 1.0, "n".repeat(1000), 2.0, "fine", 3.0)));
    RunResult result = federation(forger, names).build().run(1);
    Map<String, String> ends = ends(result.history().last().clients());
    assertThat(ends.get("forger"))
        .startsWith("failed: x\\nround 1: all is well\\u001b[31m")
        .hasSizeLessThan(600);
    assertThat(ends.get("names")).contains("metric \"a\\nb\" dropped").hasSizeLessThan(600);
    assertThat(result.history().last().fitMetrics()).containsOnlyKeys("fine");
  }

  @Test
  void answerWithoutWhatTheStrategyExpectsIsRejected() throws Exception {
    FakeClient[] clients = new FakeClient[3];
    for (int i = 0; i < 3; i++) {
      int sent = i;
      clients[i] =
          new FakeClient(
              "sends-" + i,
              asked -> {
                AdapterDelta change = constant(asked.adapter().layout(), 1);
                FitResult plain = new FitResult(change, 1, 1, Map.of());
                return sent == 0
                    ? plain
                    : plain.withTensors(
                        NamedTensors.none()
                            .with("control", sent == 1 ? change.withRank(2) : change));
              });
    }
    RunResult result = federation(clients).strategy(Strategy.fedAvg().scaffold(1)).build().run(1);
    Map<String, String> ends = ends(result.history().last().clients());
    assertThat(ends.get("sends-0")).startsWith("rejected: extra/control/").contains("shape [1, 3]");
    assertThat(ends.get("sends-1")).startsWith("rejected: extra/control/").contains("shape [1, 3]");
    assertThat(ends.get("sends-2")).startsWith("trained");
    assertThat(moved(result)).isEqualTo(1);
  }

  @Test
  void metricsThatCannotBeCombinedAreDroppedAndSaid() throws Exception {
    FakeClient untold =
        new FakeClient(
            "untold",
            asked -> new FitResult(constant(asked.adapter().layout(), 2), 1, 1, Map.of()));
    RunResult result =
        federation(untold)
            .strategy(
                Strategy.fedAvg()
                    .metrics(
                        (round, clients) -> Map.of("loss", clients.get(0).metrics().get("loss"))))
            .build()
            .run(1);
    assertThat(moved(result)).isEqualTo(2);
    assertThat(result.history().last().notes().get(0))
        .startsWith("training metrics dropped: aggregation failed: java.lang.NullPointer");
  }

  @Test
  void quorumThatIsMissedKeepsTheAdapterAndSaysSo() throws Exception {
    RunResult result = federation(adding("a", 1, 1)).quorum(2).build().run(1);
    assertThat(result.history().last().failure())
        .isEqualTo("1 usable results (expected: at least 2)");
    assertThat(moved(result)).isZero();
  }

  @Test
  void roundZeroShowsTheClientsThatAreThere() throws Exception {
    List<String> seen = new ArrayList<>();
    MetricsAggregation none = (round, clients) -> Map.of();
    federation(adding("a", 1, 1), adding("b", 1, 1))
        .strategy(
            Strategy.fedAvg()
                .metrics(none)
                .evaluator(
                    (RoundContext round) -> {
                      seen.add(round.round() + " " + round.available());
                      return Map.of();
                    }))
        .build()
        .run(1);
    assertThat(seen).containsExactly("0 [a, b]", "1 [a, b]");
  }
}
