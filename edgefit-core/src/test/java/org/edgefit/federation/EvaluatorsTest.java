package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;

/** Who is asked to evaluate, and what becomes of a run in which nobody trains. */
class EvaluatorsTest {

  /** A client that says how many records it can evaluate on. */
  private record Home(String id, int evaluationRecords) implements FederatedClient {
    @Override
    public Map<String, String> description() {
      return Map.of(EVALUATION_RECORDS, Integer.toString(evaluationRecords));
    }

    @Override
    public FitResult fit(FitInstruction asked) {
      return new FitResult(FakeClient.constant(asked.adapter().layout(), 1), 1, 1, Map.of());
    }

    @Override
    public EvaluateResult evaluate(EvaluateInstruction asked) {
      return new EvaluateResult(evaluationRecords, Map.of("f1", 1.0));
    }
  }

  private static Federation.Builder federation(List<? extends FederatedClient> clients) {
    return Federation.builder()
        .strategy(Strategy.fedAvg().evaluateClients(1))
        .clients(InProcessClients.of(clients))
        .adapter(FakeClient.start());
  }

  @Test
  void clientsWithoutRecordsForItAreNotAskedToEvaluate() throws Exception {
    RunResult result =
        federation(List.of(new Home("a", 0), new Home("b", 7), new Home("c", 0))).build().run(4);
    for (RoundSummary round : result.history().rounds().subList(1, 5)) {
      assertThat(round.evaluations()).extracting(Outcome::clientId).containsExactly("b");
      assertThat(round.evaluateMetrics()).containsEntry("f1", 1.0);
    }
    RunResult none = federation(List.of(new Home("a", 0))).build().run(1);
    assertThat(none.history().last().notes())
        .containsExactly("not evaluated: no client has evaluation records");
  }

  @Test
  void runInWhichNobodyTrainsFailsWhereThatIsWanted() {
    FakeClient failing =
        new FakeClient(
            "failing",
            asked -> {
              throw new IllegalStateException("no");
            });
    List<RunEvent.End> ends = new ArrayList<>();
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.RunClosed closed) {
            ends.add(closed.end());
          }
        };
    assertThatThrownBy(
            () -> federation(List.of(failing)).mustTrain().listener(listener).build().run(1))
        .hasMessage("no client trained in any round: the adapter is unchanged");
    assertThat(ends).containsExactly(RunEvent.End.FAILED);
  }
}
