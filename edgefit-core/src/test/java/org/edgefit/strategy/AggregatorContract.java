package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.random.Seed;
import org.edgefit.run.History;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every aggregator that is like an average. */
public abstract class AggregatorContract {

  protected static final AdapterLayout LAYOUT =
      new AdapterLayout(
          List.of(new TensorSpec("a", List.of(2, 3)), new TensorSpec("b", List.of(4))));

  /** Returns the aggregator under test. */
  protected abstract Aggregator aggregator();

  protected static AdapterDelta delta(float... values) {
    return AdapterDelta.of(
        LAYOUT,
        List.of(FloatBuffer.wrap(values, 0, 6).slice(), FloatBuffer.wrap(values, 6, 4).slice()));
  }

  protected static float[] values(AdapterDelta delta) {
    float[] values = new float[10];
    delta.tensor(0).get(values, 0, 6);
    delta.tensor(1).get(values, 6, 4);
    return values;
  }

  /** Returns a round in which the adapter has the tests' layout. */
  protected static RoundContext round() {
    Adapter adapter =
        Adapter.of(
            new LoraConfig(1, 1, 0, List.of("q_proj")),
            LAYOUT,
            List.of(FloatBuffer.allocate(6), FloatBuffer.allocate(4)));
    return round(1, ServerState.of(adapter));
  }

  /** Returns a round with a state. */
  public static RoundContext round(int round, ServerState state) {
    return new RoundContext(
        round,
        round,
        state,
        Map.of(),
        Set.of(),
        RunSettings.defaults(),
        Training.defaults(),
        new History(List.of()),
        new Seed(1),
        note -> {});
  }

  protected AdapterDelta combine(List<? extends Update> updates) {
    return Objects.requireNonNull(aggregator().combine(round(), UpdateSet.of(updates)));
  }

  private static List<FakeUpdate> updates(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    List<FakeUpdate> updates = new ArrayList<>();
    for (int u = 0; u < count; u++) {
      float[] values = new float[10];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(-1, 1);
      }
      updates.add(new FakeUpdate("c" + u, random.nextInt(1, 100), delta(values)));
    }
    return updates;
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void oneClientIsTheIdentity(long seed) {
    List<FakeUpdate> one = updates(seed, 1);
    assertThat(values(combine(one))).isEqualTo(values(one.get(0).delta()));
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void equalClientsGiveWhatEachOfThemHas(long seed) {
    FakeUpdate one = updates(seed, 1).get(0);
    List<FakeUpdate> equal =
        List.of(
            one,
            new FakeUpdate("d", one.weight(), one.delta()),
            new FakeUpdate("e", 1, one.delta()));
    float[] combined = values(combine(equal));
    float[] expected = values(one.delta());
    for (int i = 0; i < expected.length; i++) {
      assertThat(combined[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void resultLiesBetweenTheClients(long seed) {
    List<FakeUpdate> updates = updates(seed, 5);
    float[] combined = values(combine(updates));
    for (int i = 0; i < combined.length; i++) {
      float low = Float.MAX_VALUE;
      float high = -Float.MAX_VALUE;
      for (FakeUpdate update : updates) {
        low = Math.min(low, values(update.delta())[i]);
        high = Math.max(high, values(update.delta())[i]);
      }
      assertThat(combined[i]).isBetween(low, high);
    }
  }

  @Test
  void layoutsThatDifferAreRefusedByTheFirstTensor() {
    AdapterLayout other =
        new AdapterLayout(
            List.of(new TensorSpec("a", List.of(2, 3)), new TensorSpec("b", List.of(2, 2))));
    AdapterDelta odd =
        AdapterDelta.of(other, List.of(FloatBuffer.allocate(6), FloatBuffer.allocate(4)));
    List<FakeUpdate> updates =
        List.of(new FakeUpdate("c", 1, delta(new float[10])), new FakeUpdate("d", 1, odd));
    assertThatThrownBy(() -> combine(updates))
        .hasMessageContaining("b: shape [2, 2] (expected: [4])");
  }
}
