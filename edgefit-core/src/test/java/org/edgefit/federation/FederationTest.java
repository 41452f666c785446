package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.edgefit.federation.FakeClient.LAYERS;
import static org.edgefit.federation.FakeClient.LORA;
import static org.edgefit.federation.FakeClient.adding;
import static org.edgefit.federation.FakeClient.constant;
import static org.edgefit.federation.FakeClient.random;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitResult;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.random.Seed;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;
import org.edgefit.strategy.Weighting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FederationTest {

  @TempDir Path temp;

  private static Federation.Builder federation(List<? extends FederatedClient> clients) {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(InProcessClients.of(clients))
        .adapter(Adapter.initial(LORA, LAYERS, new Seed(1)));
  }

  @Test
  void adapterMovesByTheWeightedMean() throws Exception {
    Adapter start = Adapter.initial(LORA, LAYERS, new Seed(1));
    RunResult result = federation(List.of(adding("a", 1, 1), adding("b", 5, 3))).build().run(2);
    for (int i = 0; i < 3; i++) {
      assertThat(result.adapter().tensor(0).get(i)).isEqualTo(start.tensor(0).get(i) + 4 + 4);
    }
    assertThat(result.history().last().fitMetrics()).containsEntry("loss", 4.0);
  }

  @Test
  void weightsCanBeLabelTokens() throws Exception {
    FakeClient few = adding("a", 1, 1);
    FakeClient many =
        new FakeClient(
            "b", asked -> new FitResult(constant(asked.adapter().layout(), 5), 1, 30, Map.of()));
    RunResult result =
        federation(List.of(few, many))
            .strategy(Strategy.fedAvg().weighting(Weighting.labelTokens()))
            .build()
            .run(1);
    assertThat(result.adapter().tensor(1).get(0)).isEqualTo(4);
  }

  @ParameterizedTest(name = "{0} at a time")
  @ValueSource(ints = {1, 2, 5})
  void resultIsTheSameToTheBitForAnyOrderOfArrival(int parallel) throws Exception {
    List<FakeClient> clients = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      clients.add(random("home-" + i));
    }
    FedAvg strategy = Strategy.fedAvg().clientsPerRound(5);
    String expected = federation(clients).strategy(strategy).seed(3).build().run(4).adapterSha256();
    Collections.shuffle(clients, new Random(parallel));
    String actual =
        federation(clients)
            .clients(InProcessClients.of(clients).parallel(parallel))
            .strategy(strategy)
            .seed(3)
            .build()
            .run(4)
            .adapterSha256();
    assertThat(actual).isEqualTo(expected);
    assertThat(federation(clients).strategy(strategy).seed(4).build().run(4).adapterSha256())
        .isNotEqualTo(expected);
  }

  @Test
  void stoppedRunGoesOnToTheSameEnd() throws Exception {
    List<FakeClient> clients = List.of(random("a"), random("b"), random("c"));
    FedAvg strategy =
        Strategy.fedAvg()
            .clientsPerRound(2)
            .evaluator(context -> Map.of("round", (double) context.round(), "none", Double.NaN));
    Federation.Builder settings = federation(clients).strategy(strategy).seed(5);
    RunResult whole = settings.runDirectory(temp.resolve("whole")).build().run(4);

    Path stopped = temp.resolve("stopped");
    Federation[] running = new Federation[1];
    RunListener stopping =
        event -> {
          if (event instanceof RunEvent.ClientFinished finished && finished.round() == 3) {
            running[0].stop();
          }
        };
    running[0] =
        federation(clients)
            .strategy(strategy)
            .seed(5)
            .runDirectory(stopped)
            .listener(stopping)
            .build();
    assertThatThrownBy(() -> running[0].run(4))
        .isInstanceOf(InterruptedException.class)
        .hasMessageContaining("stopped in round 3");
    Files.writeString(
        stopped.resolve("metrics.jsonl"),
        Files.readString(stopped.resolve("metrics.jsonl")) + "{\"round\": 3, \"metrics\": {}");

    List<Integer> ran = new ArrayList<>();
    RunListener watching =
        event -> {
          if (event instanceof RunEvent.RoundClosed closed) {
            ran.add(closed.summary().round());
          }
        };
    Federation.Builder again =
        federation(clients).strategy(strategy).seed(5).runDirectory(stopped).resume();
    Adapter other = Adapter.initial(LORA, LAYERS, new Seed(2));
    assertThatThrownBy(() -> again.adapter(other).build().run(4))
        .hasMessageContaining("lora_A.weight: other values (expected: the run's initial adapter");
    again.adapter(Adapter.initial(LORA, LAYERS, new Seed(1)));
    RunResult resumed = again.listener(watching).build().run(4);
    assertThat(ran).containsExactly(3, 4);
    assertThat(resumed.adapterSha256()).isEqualTo(whole.adapterSha256());
    assertThat(resumed.history().rounds()).hasSize(5);
    for (int round = 0; round < 5; round++) {
      RoundSummary one = resumed.history().rounds().get(round);
      RoundSummary expected = whole.history().rounds().get(round);
      assertThat(one)
          .usingRecursiveComparison()
          .ignoringFields("duration")
          .withComparatorForType(Double::compare, Double.class) // NaN is NaN
          .isEqualTo(expected);
    }
    assertThat(withoutSeconds(stopped)).isEqualTo(withoutSeconds(temp.resolve("whole")));

    // A run that is whole is only read; more rounds go on from its end.
    ran.clear();
    assertThat(again.build().run(4).adapterSha256()).isEqualTo(whole.adapterSha256());
    assertThat(ran).isEmpty();
    assertThatThrownBy(() -> again.build().run(3))
        .hasMessageContaining("rounds: 3 (expected: at least 4, which are closed)");
    RunResult longer = again.build().run(6);
    assertThat(ran).containsExactly(5, 6);
    RunResult longAtOnce = federation(clients).strategy(strategy).seed(5).build().run(6);
    assertThat(longer.adapterSha256()).isEqualTo(longAtOnce.adapterSha256());
  }

  @Test
  void directoryIsOfOneRunAtATime() throws Exception {
    Path run = temp.resolve("run");
    List<FakeClient> clients = List.of(random("a"), random("b"));
    Federation.Builder second = federation(clients).runDirectory(run).resume();
    List<String> refusals = new ArrayList<>();
    RunListener intruder =
        event -> {
          if (event instanceof RunEvent.RoundClosed) {
            try {
              second.build().run(2);
              refusals.add("not refused");
            } catch (IOException e) {
              refusals.add(String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
              refusals.add("interrupted");
            }
          }
        };
    RunResult whole = federation(clients).runDirectory(run).listener(intruder).build().run(2);
    assertThat(refusals).hasSize(3).containsOnly(run + ": in use by another run");
    assertThat(second.build().run(2).adapterSha256()).isEqualTo(whole.adapterSha256());
  }

  private static String withoutSeconds(Path run) throws IOException {
    return Files.readString(run.resolve("metrics.jsonl")).replaceAll("\"seconds\":[0-9.E-]+", "");
  }

  @Test
  void badClientsAreReportedByNameAndTheRoundGoesOn() throws Exception {
    AdapterLayout wrong = new AdapterLayout(List.of(new TensorSpec("x", List.of(1))));
    CountDownLatch never = new CountDownLatch(1);
    List<FakeClient> clients =
        List.of(
            adding("good", 2, 1),
            new FakeClient(
                "dies",
                asked -> {
                  throw new IOException("out of memory");
                }),
            new FakeClient(
                "nan",
                asked ->
                    new FitResult(constant(asked.adapter().layout(), Float.NaN), 1, 1, Map.of())),
            new FakeClient("shapes", asked -> new FitResult(constant(wrong, 1), 1, 1, Map.of())),
            new FakeClient(
                "nothing",
                asked -> new FitResult(constant(asked.adapter().layout(), 1), 0, 0, Map.of())),
            new FakeClient(
                "slow",
                asked -> {
                  never.await();
                  throw new IOException("woken");
                }));
    RunResult result =
        federation(clients)
            .clients(InProcessClients.of(clients).parallel(6))
            .roundDeadline(Duration.ofSeconds(2))
            .build()
            .run(1);
    Map<String, String> ends = new TreeMap<>();
    result
        .history()
        .last()
        .clients()
        .forEach(end -> ends.put(end.clientId(), end.name() + " " + end.detail()));
    assertThat(ends.get("good")).startsWith("trained");
    assertThat(ends.get("dies")).isEqualTo("failed out of memory");
    assertThat(ends.get("nan")).startsWith("rejected").contains("lora_A.weight[0]: NaN");
    assertThat(ends.get("shapes")).startsWith("rejected").contains("lora_A.weight: missing");
    assertThat(ends.get("nothing")).startsWith("rejected examples: 0");
    assertThat(ends.get("slow")).startsWith("timed out");
    assertThat(result.adapter().tensor(1).get(0)).isEqualTo(2);
  }

  @Test
  void adapterIsKeptWhenNothingUsableComesBack() throws Exception {
    FakeClient dead =
        new FakeClient(
            "dead",
            asked -> {
              throw new IOException("no");
            });
    RunResult result = federation(List.of(dead)).build().run(1);
    assertThat(result.adapterSha256()).isEqualTo(result.history().rounds().get(0).adapterSha256());
  }

  @Test
  void runDirectoryHoldsEveryRound() throws Exception {
    Path run = temp.resolve("run");
    RunResult result =
        federation(List.of(adding("a", 1, 1), adding("b", 5, 3)))
            .strategy(Strategy.fedAvg().evaluateClients(2))
            .runDirectory(run)
            .seed(9)
            .build()
            .run(2);
    assertThat(run.resolve("run.json")).content().contains("\"seed\" : 9", "\"learningRate\"");
    assertThat(run.resolve("rounds/0001/updates")).isDirectoryContaining("glob:**/a.safetensors");
    assertThat(run.resolve("metrics.jsonl")).content().hasLineCount(1 + 2 * 5);
    Adapter last = PeftAdapter.read(run.resolve("rounds/0002/adapter"));
    assertThat(last.tensor(0)).isEqualTo(result.adapter().tensor(0));
    assertThat(result.history().last().evaluateMetrics()).containsEntry("f1", 2.0);
    long update = Files.size(run.resolve("rounds/0001/updates/a.safetensors"));
    assertThat(result.history().rounds().get(1).bytesUp()).isEqualTo(2 * update);

    assertThatThrownBy(() -> federation(List.of()).runDirectory(run).build().run(1))
        .hasMessageContaining("already has a run");
  }

  @Test
  void listenersHearOfRoundsAndClients() throws Exception {
    List<String> heard = new ArrayList<>();
    RunListener listener = event -> heard.add(event.getClass().getSimpleName());
    RunListener broken =
        event -> {
          throw new IllegalStateException("a listener's own fault");
        };
    RunResult result =
        federation(List.of(adding("a", 1, 1))).listener(broken).listener(listener).build().run(1);
    assertThat(heard)
        .containsExactly(
            "RunOpened",
            "ClientJoined",
            "RoundClosed",
            "RoundOpened",
            "TaskAsked",
            "ClientFinished",
            "RoundClosed",
            "RunClosed");
    assertThat(result.history().last().trained()).isEqualTo(1);
  }

  @Test
  void tooFewClientsStopTheRun() {
    assertThatThrownBy(
            () -> federation(List.of(adding("a", 1, 1))).minimumClients(2).build().run(1))
        .hasMessageContaining("clients: [a]")
        .hasMessageContaining("at least 2");
  }

  @Test
  void strategyOfOnesOwnSeesCheckedUpdates() throws Exception {
    List<String> seen = new ArrayList<>();
    Strategy own =
        new Strategy() {
          @Override
          public RoundPlan configureFit(RoundContext round) {
            return RoundPlan.of(round.available().subList(0, 1), round.assignment());
          }

          @Override
          public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
            updates.forEach(update -> seen.add(update.clientId() + " " + update.examples()));
            return round.state();
          }
        };
    federation(List.of(adding("b", 1, 1), adding("a", 1, 2))).strategy(own).build().run(1);
    assertThat(seen).containsExactly("a 2");
  }

  @Test
  void idThatCouldLeaveTheRunDirectoryIsRefused() {
    for (String id : List.of("../x", "", "a/b", ".hidden", "a.b", "x".repeat(65))) {
      assertThatThrownBy(() -> InProcessClients.of(List.of(adding(id, 1, 1))))
          .hasMessageContaining("client id");
    }
  }
}
