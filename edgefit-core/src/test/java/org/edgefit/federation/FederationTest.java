package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.Training;
import org.edgefit.format.PeftAdapter;
import org.edgefit.random.Seed;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.FitOutcome;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Weighting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FederationTest {

  private static final List<LinearSpec> LAYERS =
      List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2));
  private static final LoraConfig LORA = new LoraConfig(1, 1, 0, List.of("q_proj"));

  @TempDir Path temp;

  private static AdapterDelta constant(AdapterLayout layout, float value) {
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] all = new float[tensor.elements()];
      Arrays.fill(all, value);
      values.add(FloatBuffer.wrap(all));
    }
    return AdapterDelta.of(layout, values);
  }

  private interface Behaviour {
    FitResult fit(FitInstruction instruction) throws IOException, InterruptedException;
  }

  private record FakeClient(String id, Behaviour behaviour) implements FederatedClient {
    @Override
    public FitResult fit(FitInstruction instruction) throws IOException, InterruptedException {
      return behaviour.fit(instruction);
    }

    @Override
    public EvaluateResult evaluate(EvaluateInstruction instruction) {
      return new EvaluateResult(id.length(), Map.of("f1", (double) instruction.round()));
    }
  }

  private static FakeClient adding(String id, float value, long examples) {
    return new FakeClient(
        id,
        asked ->
            new FitResult(
                constant(asked.adapter().layout(), value),
                examples,
                10 * examples,
                Map.of("loss", (double) value)));
  }

  /** A client whose change depends on its seed alone. */
  private static FakeClient random(String id) {
    return new FakeClient(
        id,
        asked -> {
          SplittableRandom random = asked.seed().generator();
          Thread.sleep(random.nextInt(20));
          return new FitResult(
              constant(asked.adapter().layout(), (float) random.nextDouble()),
              random.nextInt(1, 50),
              7,
              Map.of());
        });
  }

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
            .strategy(Strategy.fedAvg().weighting(Weighting.LABEL_TOKENS))
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
  void interruptedRunGoesOnToTheSameEnd() throws Exception {
    List<FakeClient> clients = List.of(random("a"), random("b"), random("c"));
    FedAvg strategy =
        Strategy.fedAvg()
            .clientsPerRound(2)
            .evaluator(context -> Map.of("round", (double) context.round(), "none", Double.NaN));
    Federation.Builder settings = federation(clients).strategy(strategy).seed(5);
    RunResult whole = settings.runDirectory(temp.resolve("whole")).build().run(4);

    Path broken = temp.resolve("broken");
    RoundListener stopping =
        new RoundListener() {
          @Override
          public void clientFinished(int round, ClientReport report) {
            if (round == 3) {
              throw new IllegalStateException("stopped");
            }
          }
        };
    Federation.Builder same = federation(clients).strategy(strategy).seed(5).runDirectory(broken);
    assertThatThrownBy(() -> same.listener(stopping).build().run(4))
        .hasMessageContaining("stopped");
    Files.writeString(
        broken.resolve("metrics.jsonl"),
        Files.readString(broken.resolve("metrics.jsonl")) + "{\"round\": 3, \"metrics\": {}");

    List<Integer> ran = new ArrayList<>();
    RoundListener watching =
        new RoundListener() {
          @Override
          public void roundClosed(RoundSummary summary) {
            ran.add(summary.round());
          }
        };
    Federation.Builder again =
        federation(clients).strategy(strategy).seed(5).runDirectory(broken).resume();
    assertThatThrownBy(() -> again.build().run(5)).hasMessageContaining("rounds: 5 (expected: 4");
    Adapter other = Adapter.initial(LORA, LAYERS, new Seed(2));
    assertThatThrownBy(() -> again.adapter(other).build().run(4))
        .hasMessageContaining("lora_A.weight: other values (expected: those with which");
    again.adapter(Adapter.initial(LORA, LAYERS, new Seed(1)));
    // Adapters of early rounds are not needed.
    Files.delete(broken.resolve("rounds/0001/adapter/adapter_model.safetensors"));
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
    assertThat(withoutSeconds(broken)).isEqualTo(withoutSeconds(temp.resolve("whole")));

    // A run that is whole is only read.
    ran.clear();
    assertThat(again.build().run(4).adapterSha256()).isEqualTo(whole.adapterSha256());
    assertThat(ran).isEmpty();
  }

  @Test
  void directoryIsOfOneRunAtATime() throws Exception {
    Path run = temp.resolve("run");
    List<FakeClient> clients = List.of(random("a"), random("b"));
    Federation.Builder second = federation(clients).runDirectory(run).resume();
    List<String> refusals = new ArrayList<>();
    RoundListener intruder =
        new RoundListener() {
          @Override
          public void roundClosed(RoundSummary summary) {
            assertThatThrownBy(() -> second.build().run(2))
                .isInstanceOf(IOException.class)
                .satisfies(refused -> refusals.add(String.valueOf(refused.getMessage())));
          }
        };
    RunResult whole = federation(clients).runDirectory(run).listener(intruder).build().run(2);
    assertThat(refusals).hasSize(3).containsOnly(run + ": another run is at work there");
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
        .forEach(report -> ends.put(report.clientId(), report.outcome() + " " + report.detail()));
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
    assertThat(run.resolve("metrics.jsonl")).content().hasLineCount(1 + 2 * 3);
    Adapter last = PeftAdapter.read(run.resolve("rounds/0002/adapter"));
    assertThat(last.tensor(0)).isEqualTo(result.adapter().tensor(0));
    assertThat(result.history().last().evaluateMetrics()).containsEntry("f1", 2.0);
    long update = Files.size(run.resolve("rounds/0001/updates/a.safetensors"));
    assertThat(result.history().rounds().get(1).bytesUp()).isEqualTo(2 * update);

    assertThatThrownBy(() -> federation(List.of()).runDirectory(run).build().run(1))
        .hasMessageContaining("holds a run already");
  }

  @Test
  void listenersHearOfRoundsAndClients() throws Exception {
    List<String> heard = new ArrayList<>();
    RoundListener listener =
        new RoundListener() {
          @Override
          public void roundOpened(int round, int rounds, List<String> clients) {
            heard.add("opened " + round + " of " + rounds + " " + clients);
          }

          @Override
          public void clientFinished(int round, ClientReport report) {
            heard.add(report.clientId() + " " + report.outcome());
          }

          @Override
          public void roundClosed(RoundSummary summary) {
            heard.add("closed " + summary.round());
          }
        };
    federation(List.of(adding("a", 1, 1))).listener(listener).build().run(1);
    assertThat(heard).containsExactly("closed 0", "opened 1 of 1 [a]", "a trained", "closed 1");
  }

  @Test
  void tooFewClientsStopTheRun() {
    assertThatThrownBy(
            () -> federation(List.of(adding("a", 1, 1))).minimumClients(2).build().run(1))
        .hasMessageContaining("clients: [a]")
        .hasMessageContaining("at least 2");
  }

  @Test
  void strategyOfOnesOwnSeesCheckedOutcomes() throws Exception {
    List<FitOutcome> seen = new ArrayList<>();
    Strategy own =
        new Strategy() {
          @Override
          public Map<String, Training> configureFit(RoundContext context) {
            return Map.of(context.available().get(0), context.training());
          }

          @Override
          public Optional<Adapter> aggregateFit(RoundContext context, List<FitOutcome> outcomes) {
            seen.addAll(outcomes);
            return Optional.empty();
          }
        };
    federation(List.of(adding("b", 1, 1), adding("a", 1, 1))).strategy(own).build().run(1);
    assertThat(seen).singleElement().isInstanceOf(FitOutcome.Trained.class);
    assertThat(seen.get(0).clientId()).isEqualTo("a");
  }

  @Test
  void idThatCouldLeaveTheRunDirectoryIsRefused() {
    for (String id : List.of("../x", "", "a/b", ".hidden", "a.b", "x".repeat(65))) {
      assertThatThrownBy(() -> InProcessClients.of(List.of(adding(id, 1, 1))))
          .hasMessageContaining("client id");
    }
  }
}
