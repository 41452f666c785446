package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.RandomValues;
import org.edgefit.client.Config;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.file.Json;
import org.edgefit.format.safetensors.TensorFile;
import org.edgefit.random.Seed;
import org.edgefit.run.History;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What holds for every strategy: it is pure steps on a state that the run saves, so that a run
 * resumes and replays to the bit. A test of a custom strategy extends this class.
 */
public abstract class StrategyContract {

  private static final LoraConfig LORA = new LoraConfig(2, 4, 0, List.of("q_proj", "v_proj"));
  private static final List<LinearSpec> LAYERS =
      List.of(
          new LinearSpec("model.layers.0.self_attn.q_proj", 4, 3),
          new LinearSpec("model.layers.0.self_attn.v_proj", 4, 2));
  private static final List<String> CLIENTS = List.of("a", "b", "c", "d", "e");

  @TempDir private Path temp;

  /** Returns a new strategy under test. */
  protected abstract Strategy strategy();

  /** Returns the tensors that a client sends beside its delta; by default none. */
  protected NamedTensors sent(AdapterLayout layout, long seed) {
    return NamedTensors.none();
  }

  private static Adapter first() {
    return Adapter.initial(LORA, LAYERS, new Seed(3));
  }

  private static RoundContext round(int round, ServerState state, List<String> clients) {
    Map<String, Map<String, String>> present = new TreeMap<>();
    clients.forEach(client -> present.put(client, Map.of()));
    return new RoundContext(
        round,
        10,
        state,
        present,
        Set.of(),
        RunSettings.defaults(),
        Training.defaults(),
        new History(List.of()),
        new Seed(5).forRound(round),
        note -> {});
  }

  /**
   * Returns what the clients of a plan send, which depends on the run, the round and the client.
   */
  private List<FakeUpdate> updates(RoundPlan plan, AdapterLayout layout, long run, int round) {
    List<FakeUpdate> updates = new ArrayList<>();
    for (String client : plan.assignments().keySet()) {
      long seed = 1000 * run + 10L * round + CLIENTS.indexOf(client);
      AdapterDelta delta = AdapterDelta.of(layout, RandomValues.of(layout, seed));
      updates.add(new FakeUpdate(client, 1, delta).with(sent(layout, seed)));
    }
    return updates;
  }

  private ServerState step(Strategy strategy, ServerState state, long run, int number) {
    RoundContext round = round(number, state, CLIENTS);
    RoundPlan plan = strategy.configureFit(round);
    return strategy.aggregateFit(
        round, UpdateSet.of(updates(plan, state.adapter().layout(), run, number)));
  }

  private static void assertSame(ServerState actual, ServerState expected) {
    assertThat(actual.values()).isEqualTo(expected.values());
    assertThat(actual.tensors().specs()).isEqualTo(expected.tensors().specs());
    for (var spec : expected.tensors().specs()) {
      assertThat(bits(actual.tensors().tensor(spec.name())))
          .as(spec.name())
          .isEqualTo(bits(expected.tensors().tensor(spec.name())));
    }
    for (int t = 0; t < expected.adapter().layout().tensors().size(); t++) {
      assertThat(bits(actual.adapter().tensor(t)))
          .as(expected.adapter().layout().tensors().get(t).name())
          .isEqualTo(bits(expected.adapter().tensor(t)));
    }
  }

  private static List<Integer> bits(FloatBuffer values) {
    List<Integer> bits = new ArrayList<>();
    while (values.hasRemaining()) {
      bits.add(Float.floatToRawIntBits(values.get()));
    }
    return bits;
  }

  @Test
  void planNamesAvailableClients() {
    Strategy strategy = strategy();
    ServerState state = strategy.start(first());
    assertThat(state.adapter().layout()).isEqualTo(first().layout());
    RoundPlan plan = strategy.configureFit(round(1, state, CLIENTS));
    assertThat(plan.assignments().keySet()).isNotEmpty().isSubsetOf(CLIENTS);
    assertThat(strategy.configureEvaluate(round(1, state, CLIENTS)).assignments().keySet())
        .isSubsetOf(CLIENTS);
  }

  @Test
  void nobodyIsPlannedWhereNobodyIs() {
    Strategy strategy = strategy();
    ServerState state = strategy.start(first());
    assertThat(strategy.configureFit(round(1, state, List.of())).assignments()).isEmpty();
    assertThat(strategy.configureEvaluate(round(1, state, List.of())).assignments()).isEmpty();
  }

  @Test
  void sameRoundTwiceGivesTheSamePlanAndTheSameState() {
    Strategy strategy = strategy();
    ServerState state = strategy.start(first());
    RoundPlan plan = strategy.configureFit(round(1, state, CLIENTS));
    assertThat(strategy.configureFit(round(1, state, CLIENTS)).assignments().keySet())
        .isEqualTo(plan.assignments().keySet());
    assertSame(step(strategy, state, 1, 1), step(strategy, state, 1, 1));
  }

  @Test
  void orderInWhichUpdatesCameDoesNotMatter() {
    Strategy strategy = strategy();
    ServerState state = strategy.start(first());
    RoundContext round = round(1, state, CLIENTS);
    List<FakeUpdate> updates =
        updates(strategy.configureFit(round), state.adapter().layout(), 1, 1);
    ServerState expected = strategy.aggregateFit(round, UpdateSet.of(updates));
    for (int seed = 0; seed < 5; seed++) {
      List<FakeUpdate> shuffled = new ArrayList<>(updates);
      Collections.shuffle(shuffled, new Random(seed));
      assertSame(strategy.aggregateFit(round, UpdateSet.of(shuffled)), expected);
    }
  }

  /** A strategy that keeps something in its fields would mix the two. */
  @Test
  void otherRunBetweenTheRoundsChangesNothing() {
    Strategy alone = strategy();
    Strategy shared = strategy();
    ServerState expected = alone.start(first());
    ServerState one = shared.start(first());
    ServerState other = shared.start(first());
    for (int number = 1; number <= 3; number++) {
      expected = step(alone, expected, 1, number);
      other = step(shared, other, 2, number);
      one = step(shared, one, 1, number);
    }
    assertSame(one, expected);
  }

  @Test
  void stateThatWasSavedGoesOnToTheSameBits() throws IOException {
    Strategy strategy = strategy();
    ServerState state = strategy.start(first());
    for (int number = 1; number <= 2; number++) {
      state = step(strategy, state, 1, number);
    }
    Path file = temp.resolve("state.safetensors");
    TensorFile.write(state.tensors(), file);
    Config values = Config.of(Json.parse(Json.line(state.values().values()), "state"));
    ServerState read = new ServerState(state.adapter(), TensorFile.copy(file), values);
    Strategy again = strategy(); // as after a restart
    assertSame(step(again, read, 1, 3), step(strategy, state, 1, 3));
  }

  @Test
  void settingsAreThoseOfAnotherInstance() {
    assertThat(strategy().settings()).isEqualTo(strategy().settings());
  }
}
