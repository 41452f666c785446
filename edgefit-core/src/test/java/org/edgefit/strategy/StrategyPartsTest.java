package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.random.Seed;
import org.edgefit.run.FileRef;
import org.edgefit.run.History;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The parts that a strategy is put together from, each alone. */
class StrategyPartsTest {

  private static final List<LinearSpec> LAYERS =
      List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2));
  private static final LoraConfig CONFIG = new LoraConfig(1, 1, 0, List.of("q_proj"));
  private static final FileRef FILE = new FileRef("f", 0, "");

  private final List<String> notes = new ArrayList<>();

  private RoundContext round(int number, List<String> clients, Set<String> busy, History history) {
    Map<String, Map<String, String>> present = new TreeMap<>();
    clients.forEach(client -> present.put(client, Map.of("os", client)));
    return new RoundContext(
        number,
        10,
        ServerState.of(Adapter.initial(CONFIG, LAYERS, new Seed(0))),
        present,
        busy,
        RunSettings.defaults(),
        Training.defaults(),
        history,
        new Seed(42).forRound(number),
        notes::add);
  }

  private RoundContext round(int number, int clients) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      ids.add("c" + i);
    }
    return round(number, ids, Set.of(), new History(List.of()));
  }

  private static RoundSummary summary(int round, Map<String, Double> server, Outcome... outcomes) {
    return new RoundSummary(
        round,
        List.of(outcomes),
        List.of(),
        Map.of(),
        Map.of(),
        server,
        0,
        0,
        Duration.ZERO,
        FILE,
        FILE,
        null,
        "",
        List.of());
  }

  private static Outcome trained(String client, double loss) {
    return new Outcome.Trained(
        new TaskId(1), client, 1, 1, Map.of("loss", loss), FILE, false, List.of());
  }

  private static AdapterDelta delta(float value) {
    Adapter fresh = Adapter.initial(CONFIG, LAYERS, new Seed(0));
    List<FloatBuffer> values = new ArrayList<>();
    for (var tensor : fresh.layout().tensors()) {
      float[] numbers = new float[tensor.elements()];
      java.util.Arrays.fill(numbers, value);
      values.add(FloatBuffer.wrap(numbers));
    }
    return AdapterDelta.of(fresh.layout(), values);
  }

  // ---- samplers

  @Test
  void everyoneOrNoOneIsDrawn() {
    assertThat(ClientSampler.all().sample(round(1, 3))).containsExactly("c0", "c1", "c2");
    assertThat(ClientSampler.none().sample(round(1, 3))).isEmpty();
  }

  @Test
  void uniformDrawIsSortedWithoutRepetitionAndDependsOnTheRound() {
    ClientSampler sampler = ClientSampler.uniform(4);
    List<String> first = sampler.sample(round(1, 20));
    assertThat(first).hasSize(4).doesNotHaveDuplicates().isSorted();
    assertThat(sampler.sample(round(1, 20))).isEqualTo(first);
    assertThat(sampler.sample(round(2, 20))).isNotEqualTo(first);
    assertThat(sampler.sample(round(1, 3))).containsExactly("c0", "c1", "c2");
  }

  /** Each of 6 clients is drawn in half of 2,000 rounds of 3: 1,000, deviation 22. */
  @Test
  void uniformDrawFavoursNoOne() {
    Map<String, Integer> drawn = new HashMap<>();
    for (int number = 1; number <= 2000; number++) {
      ClientSampler.uniform(3)
          .sample(round(number, 6))
          .forEach(client -> drawn.merge(client, 1, Integer::sum));
    }
    assertThat(drawn.values()).hasSize(6).allSatisfy(n -> assertThat(n).isBetween(900, 1100));
  }

  @ParameterizedTest
  @CsvSource({"0.5, 1, 10, 5", "0.5, 1, 9, 4", "0.1, 2, 10, 2", "1, 1, 10, 10", "0.01, 1, 10, 1"})
  void fractionOfTheAvailableIsDrawn(double share, int minimum, int clients, int expected) {
    assertThat(ClientSampler.fraction(share, minimum).sample(round(1, clients))).hasSize(expected);
  }

  @Test
  void powerOfChoiceTakesTheHighestLosses() {
    History history =
        new History(
            List.of(
                summary(0, Map.of()),
                summary(1, Map.of(), trained("c0", 0.5), trained("c1", 2), trained("c2", 1))));
    RoundContext round = round(2, List.of("c0", "c1", "c2"), Set.of(), history);
    assertThat(ClientSampler.powerOfChoice(3, 1).sample(round)).containsExactly("c1");
    assertThat(ClientSampler.powerOfChoice(3, 2).sample(round)).containsExactly("c1", "c2");
    // who has not trained yet may have the highest of all
    RoundContext more = round(2, List.of("c0", "c1", "c2", "new"), Set.of(), history);
    assertThat(ClientSampler.powerOfChoice(4, 2).sample(more)).containsExactly("c1", "new");
  }

  @Test
  void numbersOfClientsAreChecked() {
    assertThatThrownBy(() -> ClientSampler.uniform(0))
        .hasMessageStartingWith("clients per round: 0");
    assertThatThrownBy(() -> ClientSampler.fraction(0, 1))
        .hasMessage("share: 0.0 (expected: in (0, 1])");
    assertThatThrownBy(() -> ClientSampler.fraction(1.1, 1))
        .hasMessage("share: 1.1 (expected: in (0, 1])");
    assertThatThrownBy(() -> ClientSampler.fraction(0.5, 0)).hasMessageStartingWith("minimum: 0");
    assertThatThrownBy(() -> ClientSampler.powerOfChoice(2, 3))
        .hasMessage("candidates: 2 (expected: >= 3, the clients per round)");
  }

  @Test
  void clientsAtWorkAreNotAvailable() {
    RoundContext round =
        round(3, List.of("a", "b", "c"), Set.of("b", "gone"), new History(List.of()));
    assertThat(round.available()).containsExactly("a", "c");
    assertThat(round.busy()).containsExactly("b", "gone");
    assertThat(round.properties("a")).containsEntry("os", "a");
    assertThat(round.properties("gone")).isEmpty();
    assertThat(round.split("x").seed()).isNotEqualTo(round.seed());
    assertThat(round.assignment().start()).isSameAs(round.adapter());
  }

  // ---- weights and metrics

  @Test
  void weightIsCappedAndThatIsSaid() {
    RoundContext round = round(1, 1);
    Weighting weighting = (context, update) -> 50;
    FakeUpdate update = new FakeUpdate("a", 1, delta(1));
    assertThat(weighting.capped(50).of(round, update)).isEqualTo(50);
    assertThat(notes).isEmpty();
    assertThat(weighting.capped(8).of(round, update)).isEqualTo(8);
    assertThat(notes).containsExactly("a: weight 50.0 capped at 8.0");
    assertThat(Weighting.uniform().of(round, update)).isEqualTo(1);
    assertThat(Weighting.examples()).hasToString("examples");
    assertThat(Weighting.labelTokens()).hasToString("label_tokens");
    assertThatThrownBy(() -> weighting.capped(0)).hasMessage("cap: 0.0 (expected: > 0)");
    assertThatThrownBy(() -> weighting.capped(Double.NaN)).hasMessage("cap: NaN (expected: > 0)");
  }

  @Test
  void metricsAreAveragedOverThoseWhoReportThem() {
    List<ClientMetrics> clients =
        List.of(
            new ClientMetrics("a", 3, Map.of("loss", 1.0, "f1", 0.5)),
            new ClientMetrics("b", 1, Map.of("loss", 5.0)));
    assertThat(MetricsAggregation.meanByExamples().combine(round(1, 2), clients))
        .isEqualTo(Map.of("loss", 2.0, "f1", 0.5));
    assertThat(MetricsAggregation.sum().combine(round(1, 2), clients))
        .isEqualTo(Map.of("loss", 6.0, "f1", 0.5));
    assertThat(MetricsAggregation.meanByExamples().combine(round(1, 2), List.of())).isEmpty();
  }

  @Test
  void meanOfLargeMetricsDoesNotOverflow() {
    double large = Double.MAX_VALUE / 2;
    List<ClientMetrics> clients =
        List.of(
            new ClientMetrics("a", 1_000_000, Map.of("x", large)),
            new ClientMetrics("b", 1_000_000, Map.of("x", large)));
    assertThat(MetricsAggregation.meanByExamples().combine(round(1, 2), clients).get("x"))
        .isCloseTo(large, within(large * 1e-12));
  }

  // ---- measures and conditions

  @Test
  void firstOfTheBestRoundsIsTheBest() {
    History history =
        new History(
            List.of(
                summary(0, Map.of("f1", 0.2, "loss", 3.0)),
                summary(1, Map.of("f1", 0.9, "loss", 1.0)),
                summary(2, Map.of("f1", 0.9, "loss", 1.0)),
                summary(3, Map.of("loss", 2.0)),
                summary(4, Map.of("f1", Double.NaN, "loss", Double.NaN))));
    assertThat(Measure.highest("f1").best(history).orElseThrow().round()).isEqualTo(1);
    assertThat(Measure.lowest("loss").best(history).orElseThrow().round()).isEqualTo(1);
    assertThat(Measure.highest("loss").best(history).orElseThrow().round()).isZero();
    assertThat(Measure.highest("none").best(history)).isEmpty();
  }

  @Test
  void runStopsAfterRoundsWithoutABetterOne() {
    StopCondition condition = StopCondition.noBetterFor(2, Measure.highest("f1"));
    List<RoundSummary> rounds = new ArrayList<>();
    List<Boolean> met = new ArrayList<>();
    double[] values = {0.1, 0.5, 0.4, 0.6, 0.5, 0.6};
    for (int i = 0; i < values.length; i++) {
      rounds.add(summary(i, Map.of("f1", values[i])));
      met.add(condition.isMet(round(i, List.of(), Set.of(), new History(rounds))));
    }
    assertThat(met).containsExactly(false, false, false, false, false, true);
    assertThat(StopCondition.never().isMet(round(99, 1))).isFalse();
    assertThatThrownBy(() -> StopCondition.noBetterFor(0, Measure.highest("f1")))
        .hasMessageStartingWith("patience: 0");
  }

  // ---- plans, states, server momentum

  @Test
  void planSaysHowManyWorkAndWhenItCloses() {
    Assignment assignment = round(1, 1).assignment();
    RoundPlan plan = RoundPlan.of(List.of("b", "a"), assignment);
    assertThat(plan.assignments().keySet()).containsExactly("b", "a");
    assertThat(plan.concurrency()).isEqualTo(Integer.MAX_VALUE);
    assertThat(plan.carriesOver()).isFalse();
    RoundPlan other = plan.withConcurrency(2).withCloseAfter(1).carryingOver();
    assertThat(other).isEqualTo(new RoundPlan(plan.assignments(), 2, 1, true));
    assertThat(RoundPlan.none().assignments()).isEmpty();
    assertThatThrownBy(() -> plan.withConcurrency(0)).hasMessage("concurrency: 0 (expected: >= 1)");
    assertThatThrownBy(() -> plan.withCloseAfter(0)).hasMessage("closeAfter: 0 (expected: >= 1)");
  }

  /** Hsu et al. 2019: v = beta v + delta; w += eta v. */
  @Test
  void momentumGathersChanges() {
    ServerOptimizer optimizer = ServerOptimizer.momentum(0.5, 0.9);
    RoundContext round = round(1, 1);
    ServerState state = round.state();
    double velocity = 0;
    double moved = 0;
    for (int step = 0; step < 4; step++) {
      RoundContext now =
          new RoundContext(
              1,
              10,
              state,
              Map.of(),
              Set.of(),
              RunSettings.defaults(),
              Training.defaults(),
              new History(List.of()),
              new Seed(0),
              notes::add);
      state = optimizer.step(now, delta(step));
      velocity = 0.9 * velocity + step;
      moved += 0.5 * velocity;
    }
    AdapterDelta way = state.adapter().minus(round.adapter());
    for (int i = 0; i < way.tensor(1).capacity(); i++) {
      assertThat((double) way.tensor(1).get(i)).isCloseTo(moved, within(1e-6));
    }
    assertThatThrownBy(() -> ServerOptimizer.momentum(1, 1))
        .hasMessage("momentum: 1.0 (expected: in [0, 1))");
    assertThatThrownBy(() -> ServerOptimizer.momentum(0, 0.9))
        .hasMessageStartingWith("learning rate: 0.0");
  }

  /** 1e8 + 3 - 1e8 is 3 in double, and 0 where each sum is rounded to float32. */
  @Test
  void controlVariatesAreSummedInDouble() {
    Strategy scaffold = Strategy.fedAvg().scaffold(1);
    List<Update> updates = new ArrayList<>();
    float[] changes = {1e8f, 3, -1e8f};
    for (int i = 0; i < changes.length; i++) {
      NamedTensors change = NamedTensors.none().with("control", delta(changes[i]));
      updates.add(new FakeUpdate("c" + i, 1, delta(0)).with(change));
    }
    RoundContext round = round(1, 3);
    ServerState next = scaffold.aggregateFit(round, UpdateSet.of(updates));
    AdapterDelta control = next.kept("control");
    for (int t = 0; t < 2; t++) {
      for (int i = 0; i < control.tensor(t).capacity(); i++) {
        assertThat((double) control.tensor(t).get(i)).isCloseTo(1, within(1e-6));
      }
    }
  }

  // ---- strategies by name

  private static Strategy create(String text) {
    return Strategies.found(StrategyPartsTest.class.getClassLoader())
        .create(text, Strategy.fedAvg());
  }

  @Test
  void strategyIsMadeByNameWithItsOptions() {
    assertThat(PartSettings.of(create("fedavgm:eta=0.5,beta=0.8")))
        .containsEntry("optimizer.learningRate", "0.5")
        .containsEntry("optimizer.momentum", "0.8");
    assertThat(PartSettings.of(create("fedavgm")))
        .containsEntry("optimizer.learningRate", "1.0")
        .containsEntry("optimizer.momentum", "0.9");
    assertThat(Strategies.found(StrategyPartsTest.class.getClassLoader()).providers())
        .extracting(StrategyProvider::name)
        .contains("fedavg", "fedavgm", "fedbuff", "fedprox", "scaffold")
        .isSorted();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "krum | strategy: krum (expected: one of [fedavg, ",
        "fedavgm:eta | strategy option: eta (expected: NAME=VALUE, each name once)",
        "fedavgm:=1 | strategy option: =1 (expected: NAME=VALUE, each name once)",
        "fedavgm:eta=1,eta=2 | strategy option: eta=2 (expected: NAME=VALUE, each name once)",
        "fedavgm: | strategy option:  (expected: NAME=VALUE, each name once)",
        "fedavgm:eta=x | eta: x (expected: a number)",
        "fedbuff:buffer=1.5 | buffer: 1.5 (expected: an integer)",
        "fedavg:mu=1 | option: mu (expected: one of fedavg's: federated averaging",
        "fedavgm:beta=1 | momentum: 1.0 (expected: in [0, 1))",
      })
  void nameOrOptionThatIsWrongIsNamed(String text, String message) {
    assertThatThrownBy(() -> create(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  // ---- settings of parts

  /** A part of a user's. */
  private record Own(List<Double> rates, Map<String, Integer> counts, Duration limit, Object helper)
      implements Weighting {
    @Override
    public double of(RoundContext round, Update update) {
      return rates.get(0);
    }
  }

  @Test
  void settingsOfAPartAreItsFieldsByPath() {
    Map<String, String> settings =
        PartSettings.of(
            new Own(List.of(1.0, 2.5), Map.of("b", 2, "a", 1), Duration.ofSeconds(3), new Object())
                .capped(7));
    assertThat(settings)
        .containsEntry("class", "org.edgefit.strategy.Capped")
        .containsEntry("cap", "7.0")
        .containsEntry("weighting.rates", "[1.0, 2.5]")
        .containsEntry("weighting.counts", "[a=1, b=2]")
        .containsEntry("weighting.limit", "PT3S");
    assertThat(settings.get("weighting"))
        .startsWith(Own.class.getName() + ", code "); // a change of its code is seen
    assertThat(settings.get("weighting.helper"))
        .isEqualTo("java.lang.Object, content not compared");
    assertThat(PartSettings.isVague(settings.get("weighting.helper"))).isTrue();
    assertThat(PartSettings.isVague(settings.get("weighting"))).isFalse();
  }

  @Test
  void longTextIsToldByItsHash() {
    record Named(String name) implements StopCondition {
      @Override
      public boolean isMet(RoundContext round) {
        return false;
      }
    }
    String one = PartSettings.of(new Named("x".repeat(201))).get("name");
    String other = PartSettings.of(new Named("x".repeat(200) + "y")).get("name");
    assertThat(one).startsWith("text ").isNotEqualTo(other);
    assertThat(PartSettings.of(new Named("x".repeat(200))).get("name")).isEqualTo("x".repeat(200));
  }

  @Test
  void codeOfClassesAndLambdasIsToldApartFromTheirNames() {
    String one = "org.x.Part, code 0123456789abcdef";
    assertThat(PartSettings.isOtherCode(one, "org.x.Part, code ffffffffffffffff")).isTrue();
    assertThat(PartSettings.isOtherCode(one, "org.x.Other, code ffffffffffffffff")).isFalse();
    assertThat(PartSettings.isOtherCode(one, "0.5")).isFalse();
    assertThat(PartSettings.isOtherCode("lambda in A, code 1", "lambda in B, code 2")).isTrue();
    assertThat(PartSettings.isOtherCode("lambda in A", "org.x.Part")).isFalse();
    Weighting lambda = (round, update) -> 1;
    assertThat(PartSettings.of(lambda).get("class"))
        .startsWith("lambda in " + StrategyPartsTest.class.getName());
  }
}
