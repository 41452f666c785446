package org.edgefit.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sums, differences, products and ranks of adapters, held to slow references. */
class AdapterArithmeticTest {

  private static final int INPUTS = 5;
  private static final int OUTPUTS = 4;
  private static final int RANK = 3;
  private static final List<LinearSpec> LAYERS =
      List.of(new LinearSpec("model.layers.0.self_attn.q_proj", INPUTS, OUTPUTS));
  private static final LoraConfig CONFIG = new LoraConfig(RANK, 6, 0, List.of("q_proj"));
  private static final AdapterLayout LAYOUT = AdapterLayout.of(CONFIG, LAYERS);

  private static List<FloatBuffer> values(long seed) {
    return RandomValues.of(LAYOUT, seed);
  }

  private static Adapter adapter(long seed) {
    return Adapter.of(CONFIG, LAYOUT, values(seed));
  }

  private static AdapterDelta delta(long seed) {
    return AdapterDelta.of(LAYOUT, values(seed));
  }

  private static float[] floats(FloatBuffer buffer) {
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  /** Returns {@code scaling B A}, (outputs, inputs), of what an adapter adds to a weight. */
  private static double[][] product(Adapter adapter) {
    LoraPair pair = adapter.layout().pairs().get(0);
    FloatBuffer a = adapter.tensor(pair.a());
    FloatBuffer b = adapter.tensor(pair.b());
    double[][] product = new double[OUTPUTS][INPUTS];
    for (int row = 0; row < OUTPUTS; row++) {
      for (int column = 0; column < INPUTS; column++) {
        for (int r = 0; r < pair.rank(); r++) {
          product[row][column] +=
              adapter.config().scaling()
                  * b.get(row * pair.rank() + r)
                  * a.get(r * INPUTS + column);
        }
      }
    }
    return product;
  }

  @Test
  void sumsRoundOnce() {
    AdapterDelta one = delta(1);
    AdapterDelta two = delta(2);
    AdapterDelta sum = one.plus(two, 0.1);
    AdapterDelta plain = one.plus(two);
    Adapter base = adapter(3);
    Adapter moved = base.plus(two, 0.1);
    Adapter next = base.plus(two);
    AdapterDelta third = one.scaled(1.0 / 3);
    for (int t = 0; t < LAYOUT.tensors().size(); t++) {
      for (int i = 0; i < LAYOUT.tensors().get(t).elements(); i++) {
        double a = one.tensor(t).get(i);
        double b = two.tensor(t).get(i);
        double c = base.tensor(t).get(i);
        assertThat(sum.tensor(t).get(i)).isEqualTo((float) (a + 0.1 * b));
        assertThat(plain.tensor(t).get(i)).isEqualTo((float) (a + b));
        assertThat(moved.tensor(t).get(i)).isEqualTo((float) (c + 0.1 * b));
        assertThat(next.tensor(t).get(i)).isEqualTo((float) c + (float) b);
        assertThat(third.tensor(t).get(i)).isEqualTo((float) (a / 3), within(1e-7f));
      }
    }
  }

  @Test
  void differenceIsTheWayFromTheOrigin() {
    AdapterDelta way = adapter(1).minus(adapter(2));
    assertThat(way.layout()).isEqualTo(LAYOUT);
    for (int t = 0; t < 2; t++) {
      for (int i = 0; i < way.tensor(t).capacity(); i++) {
        assertThat(way.tensor(t).get(i))
            .isEqualTo(adapter(1).tensor(t).get(i) - adapter(2).tensor(t).get(i));
      }
    }
  }

  @Test
  void normIsThatOfAllValues() {
    AdapterDelta delta = delta(4);
    double sum = 0;
    for (int t = 0; t < 2; t++) {
      for (float value : floats(delta.tensor(t))) {
        sum += (double) value * value;
      }
    }
    assertThat(delta.norm()).isEqualTo(Math.sqrt(sum), within(1e-15));
    assertThat(AdapterDelta.zero(LAYOUT).norm()).isZero();
    assertThat(delta.scaled(-2).norm()).isEqualTo(2 * delta.norm(), within(1e-6));
  }

  /** Squares of float32 values overflow float32 from 2e19 on. */
  @Test
  void normOfLargeValuesIsFinite() {
    AdapterDelta large =
        AdapterDelta.of(
            LAYOUT,
            LAYOUT.tensors().stream()
                .map(
                    tensor -> {
                      float[] values = new float[tensor.elements()];
                      java.util.Arrays.fill(values, 1e30f);
                      return FloatBuffer.wrap(values);
                    })
                .toList());
    assertThat(large.norm())
        .isEqualTo(1e30f * Math.sqrt(RANK * INPUTS + OUTPUTS * RANK), within(1e24));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 7, 64})
  void paddingToAHigherRankChangesNoProduct(int rank) {
    Adapter padded = adapter(1).withRank(rank);
    assertThat(padded.config().rank()).isEqualTo(rank);
    double[][] before = product(adapter(1));
    double[][] after = product(padded);
    for (int row = 0; row < OUTPUTS; row++) {
      assertThat(after[row]).containsExactly(before[row], within(1e-12));
    }
    for (int t = 0; t < 2; t++) {
      assertThat(floats(padded.withRank(RANK).tensor(t)))
          .containsExactly(floats(adapter(1).tensor(t)));
    }
  }

  @Test
  void truncationKeepsTheFirstRowsOfAAndColumnsOfB() {
    Adapter all = adapter(1);
    Adapter one = all.withRank(1);
    LoraPair pair = LAYOUT.pairs().get(0);
    for (int column = 0; column < INPUTS; column++) {
      assertThat(one.tensor(pair.a()).get(column)).isEqualTo(all.tensor(pair.a()).get(column));
    }
    for (int row = 0; row < OUTPUTS; row++) {
      assertThat(one.tensor(pair.b()).get(row)).isEqualTo(all.tensor(pair.b()).get(row * RANK));
    }
    AdapterDelta delta = delta(2).withRank(2);
    assertThat(delta.layout()).isEqualTo(LAYOUT.withRank(2));
    assertThat(delta.tensor(pair.b()).get(2)).isEqualTo(delta(2).tensor(pair.b()).get(RANK));
  }

  @Test
  void otherLayoutIsRefused() {
    AdapterDelta other = AdapterDelta.zero(LAYOUT.withRank(2));
    assertThatThrownBy(() -> delta(1).plus(other)).hasMessageContaining("(expected: [3, 5])");
    assertThatThrownBy(() -> adapter(1).plus(other)).hasMessageContaining("(expected: [3, 5])");
    assertThatThrownBy(() -> adapter(1).plus(other, 2)).hasMessageContaining("(expected: [3, 5])");
    assertThatThrownBy(() -> adapter(1).minus(adapter(1).withRank(2)))
        .hasMessageContaining("(expected: [3, 5])");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void valueThatIsNoNumberIsNamedByItsPlace(float bad) {
    List<FloatBuffer> values = values(1);
    values.get(1).put(7, bad);
    String message =
        LAYOUT.tensors().get(1).name() + "[7]: " + bad + " (expected: a finite number)";
    assertThatThrownBy(() -> AdapterDelta.of(LAYOUT, values).requireFinite()).hasMessage(message);
    assertThatThrownBy(() -> Adapter.of(CONFIG, LAYOUT, values).requireFinite())
        .hasMessage(message);
    adapter(1).requireFinite();
    delta(1).requireFinite();
  }

  @Test
  void viewsCannotBeWrittenAndMoveApart() {
    Adapter adapter = adapter(1);
    FloatBuffer one = adapter.tensor(0);
    one.get();
    assertThat(adapter.tensor(0).position()).isZero();
    assertThatThrownBy(() -> adapter.tensor(0).put(0, 1f))
        .isInstanceOf(ReadOnlyBufferException.class);
    AdapterDelta delta = delta(1);
    delta.tensor(1).get();
    assertThat(delta.tensor(1).position()).isZero();
  }

  @Test
  void valuesMayBePartOfALargerBuffer() {
    FloatBuffer all = FloatBuffer.allocate(100);
    all.put(10, 5f);
    FloatBuffer a = all.duplicate().position(10).limit(10 + RANK * INPUTS);
    FloatBuffer b = all.duplicate().position(50).limit(50 + OUTPUTS * RANK);
    assertThat(AdapterDelta.of(LAYOUT, List.of(a, b)).norm()).isEqualTo(5);
  }

  @Test
  void freshAdapterDependsOnTheSeedAndTheTensorsNameAlone() {
    List<LinearSpec> more =
        List.of(LAYERS.get(0), new LinearSpec("model.layers.1.self_attn.q_proj", 9, 9));
    Adapter alone = Adapter.initial(CONFIG, LAYERS, new Seed(1));
    Adapter among = Adapter.initial(CONFIG, more, new Seed(1));
    assertThat(floats(among.tensor(0))).containsExactly(floats(alone.tensor(0)));
    assertThat(floats(among.tensor(2))).isNotEqualTo(floats(alone.tensor(0)));
    assertThat(floats(Adapter.initial(CONFIG, LAYERS, new Seed(2)).tensor(0)))
        .isNotEqualTo(floats(alone.tensor(0)));
  }

  @Test
  void groupsInTheConfigAreResolvedByTheLayout() {
    LoraConfig group = CONFIG.withTargets(List.of("attention"));
    assertThat(Adapter.of(group, LAYOUT, values(1)).config().targets()).containsExactly("q_proj");
  }
}
