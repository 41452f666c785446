package org.edgefit.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamedTensorsTest {

  private static final AdapterLayout LAYOUT =
      AdapterLayout.of(
          new LoraConfig(2, 4, 0, List.of("q_proj")),
          List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2)));

  private static FloatBuffer floats(float... values) {
    return FloatBuffer.wrap(values);
  }

  private static AdapterDelta delta(float value) {
    float[] a = new float[6];
    float[] b = new float[4];
    a[5] = value;
    b[0] = -value;
    return AdapterDelta.of(LAYOUT, List.of(floats(a), floats(b)));
  }

  @Test
  void tensorsAreKeptByNameSorted() {
    NamedTensors tensors =
        NamedTensors.none()
            .with("step", List.of(), floats(7))
            .with("control", List.of(2, 1), floats(1, 2));
    assertThat(tensors.specs())
        .containsExactly(
            new TensorSpec("control", List.of(2, 1)), new TensorSpec("step", List.of()));
    assertThat(tensors.tensor("control").get(1)).isEqualTo(2);
    assertThat(tensors.tensor("step").get(0)).isEqualTo(7);
    assertThat(tensors.isEmpty()).isFalse();
    assertThat(NamedTensors.none().isEmpty()).isTrue();
  }

  @Test
  void changeMakesOthersAndLeavesThese() {
    NamedTensors one = NamedTensors.none().with("x", List.of(1), floats(1));
    NamedTensors two = one.with("x", List.of(2), floats(2, 3));
    assertThat(one.tensor("x").get(0)).isEqualTo(1);
    assertThat(two.tensor("x").capacity()).isEqualTo(2);
    assertThat(two.without("x").isEmpty()).isTrue();
    assertThat(two.has("x")).isTrue();
  }

  @Test
  void valuesCannotBeWrittenThroughAView() {
    NamedTensors tensors = NamedTensors.none().with("x", List.of(1), floats(1));
    assertThatThrownBy(() -> tensors.tensor("x").put(0, 2f))
        .isInstanceOf(ReadOnlyBufferException.class);
    tensors.tensor("x").get();
    assertThat(tensors.tensor("x").position()).isZero();
  }

  @Test
  void valuesMustFitTheShape() {
    assertThatThrownBy(() -> NamedTensors.none().with("x", List.of(2, 2), floats(1, 2, 3)))
        .hasMessage("x: 3 values (expected: 4)");
    assertThatThrownBy(() -> NamedTensors.none().with("", List.of(1), floats(1)))
        .hasMessageStartingWith("tensor name: empty");
  }

  @Test
  void groupIsADeltaWithItsLayout() {
    NamedTensors tensors = NamedTensors.none().with("momentum", delta(2));
    assertThat(tensors.specs())
        .extracting(TensorSpec::name)
        .allMatch(name -> name.startsWith("momentum/base_model.model."))
        .hasSize(2);
    AdapterDelta again = tensors.delta("momentum", LAYOUT);
    assertThat(again.tensor(0).get(5)).isEqualTo(2);
    assertThat(again.tensor(1).get(0)).isEqualTo(-2);
    assertThat(again.norm()).isEqualTo(Math.sqrt(8));
  }

  @Test
  void groupIsReplacedAndTakenAwayAsAWhole() {
    NamedTensors tensors =
        NamedTensors.none()
            .with("m", delta(1))
            .with("m/extra", List.of(1), floats(9))
            .with("mo", List.of(1), floats(3))
            .with("m", delta(4));
    assertThat(tensors.delta("m", LAYOUT).tensor(0).get(5)).isEqualTo(4);
    assertThat(tensors.has("m/extra")).isFalse();
    assertThat(tensors.without("m").specs()).extracting(TensorSpec::name).containsExactly("mo");
  }

  @Test
  void groupIsThereIfAMemberIs() {
    NamedTensors tensors = NamedTensors.none().with("control", delta(1));
    assertThat(tensors.has("control")).isTrue();
    assertThat(tensors.has("contro")).isFalse();
    assertThat(tensors.has("control2")).isFalse();
    assertThat(tensors.has("zeta")).isFalse();
    assertThat(NamedTensors.none().has("control")).isFalse();
  }

  @Test
  void absentGroupIsZeroWhereThatIsAskedFor() {
    assertThat(NamedTensors.none().deltaOrZero("m", LAYOUT).norm()).isZero();
    assertThat(NamedTensors.none().with("m", delta(3)).deltaOrZero("m", LAYOUT).norm())
        .isEqualTo(Math.sqrt(18));
  }

  @Test
  void whatIsMissingOrOfAnotherShapeIsNamed() {
    NamedTensors tensors = NamedTensors.none().with("x", List.of(1), floats(1));
    assertThatThrownBy(() -> tensors.tensor("y")).hasMessage("tensor: y (expected: one of [x])");
    assertThatThrownBy(() -> tensors.delta("m", LAYOUT))
        .hasMessageStartingWith("tensor: m/base_model.model.")
        .hasMessageEndingWith("(expected: one of [x])");
    NamedTensors other = NamedTensors.none().with("m", delta(1));
    assertThatThrownBy(() -> other.delta("m", LAYOUT.withRank(1)))
        .hasMessage(
            "m/base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight: shape [2, 3]"
                + " (expected: [1, 3])");
  }

  @Test
  void valueThatIsNoNumberIsNamed() {
    NamedTensors.none().with("m", delta(1)).requireFinite();
    assertThatThrownBy(
            () ->
                NamedTensors.none()
                    .with("a", List.of(2), floats(0, 1))
                    .with("b", List.of(3), floats(0, 1, Float.NaN))
                    .requireFinite())
        .hasMessage("b[2]: NaN (expected: a finite number)");
  }
}
