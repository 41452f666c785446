package org.edgefit.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdapterLayoutTest {

  private static final LinearSpec Q = new LinearSpec("model.layers.0.self_attn.q_proj", 6, 4);
  private static final LinearSpec UP = new LinearSpec("model.layers.0.mlp.up_proj", 6, 10);
  private static final String A_OF_Q =
      "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
  private static final String B_OF_Q =
      "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";

  private static LoraConfig config(int rank, String... targets) {
    return new LoraConfig(rank, 8, 0, List.of(targets));
  }

  @Test
  void eachLayerHasAnAOfRankByInputsAndABOfOutputsByRank() {
    AdapterLayout layout = AdapterLayout.of(config(3, "q_proj"), List.of(UP, Q));
    assertThat(layout.tensors())
        .containsExactly(
            new TensorSpec(A_OF_Q, List.of(3, 6)), new TensorSpec(B_OF_Q, List.of(4, 3)));
    assertThat(layout.elements()).isEqualTo(3 * 6 + 4 * 3);
    assertThat(layout.bytes()).isEqualTo(4 * 30);
  }

  @Test
  void tensorsAreSortedByNameWhateverTheOrderOfLayers() {
    List<LinearSpec> layers = new ArrayList<>(List.of(Q, UP));
    AdapterLayout one = AdapterLayout.of(config(2, "q_proj", "up_proj"), layers);
    Collections.reverse(layers);
    assertThat(AdapterLayout.of(config(2, "up_proj", "q_proj"), layers)).isEqualTo(one);
    assertThat(one.tensors()).extracting(TensorSpec::name).isSorted().hasSize(4);
  }

  @Test
  void groupsOfLayersAreResolved() {
    assertThat(AdapterLayout.of(config(2, LoraConfig.ATTENTION), List.of(Q, UP)).layers())
        .containsExactly(Q);
    assertThat(AdapterLayout.of(config(2, LoraConfig.ALL_LINEAR), List.of(Q, UP)).layers())
        .containsExactlyInAnyOrder(Q, UP);
  }

  @Test
  void nameThatIsThereTwiceIsRefused() {
    TensorSpec tensor = new TensorSpec("x", List.of(1));
    assertThatThrownBy(() -> new AdapterLayout(List.of(tensor, tensor))).hasMessage("x: duplicate");
  }

  @Test
  void pairsSayWhereTheirTensorsAre() {
    AdapterLayout layout = AdapterLayout.of(config(3, "q_proj", "up_proj"), List.of(Q, UP));
    assertThat(layout.pairs()).containsExactly(new LoraPair(UP, 0, 1, 3), new LoraPair(Q, 2, 3, 3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // names and shapes of the tensors | what is said
        "base_model.model.q.lora_A.weight 2 6"
            + " | base_model.model.q.lora_A.weight (expected: a pair of lora_A and lora_B weights)",
        "base_model.model.q.lora_B.weight 6 2"
            + " | base_model.model.q.lora_B.weight (expected: a pair of lora_A and lora_B weights)",
        "q.lora_A.weight 2 6; q.lora_B.weight 6 2"
            + " | q.lora_A.weight (expected: a pair of lora_A and lora_B weights)",
        "base_model.model.lora_A.weight 2 6; base_model.model.lora_B.weight 6 2"
            + " | base_model.model.lora_A.weight (expected: a pair of lora_A and lora_B weights)",
        "base_model.model.q.lora_A.weight 2; base_model.model.q.lora_B.weight 6 2"
            + " | base_model.model.q.lora_A.weight: shape [2] (expected: [rank, inputs])",
        "base_model.model.q.lora_A.weight 2 6; base_model.model.q.lora_B.weight 6 3"
            + " | base_model.model.q.lora_B.weight: shape [6, 3] (expected: [outputs, 2])",
        "base_model.model.q.lora_A.weight 2 6; base_model.model.q.lora_B.weight 12"
            + " | base_model.model.q.lora_B.weight: shape [12] (expected: [outputs, 2])",
      })
  void tensorsThatAreNoPairsAreNamed(String tensors, String message) {
    List<TensorSpec> specs = new ArrayList<>();
    for (String tensor : tensors.split("; ", -1)) {
      String[] parts = tensor.strip().split(" ", -1);
      List<Integer> shape = new ArrayList<>();
      for (int i = 1; i < parts.length; i++) {
        shape.add(Integer.valueOf(parts[i]));
      }
      specs.add(new TensorSpec(parts[0], shape));
    }
    assertThatThrownBy(() -> new AdapterLayout(specs).pairs()).hasMessage(message);
  }

  @Test
  void layoutWithoutTensorsHasNoPairs() {
    assertThatThrownBy(() -> new AdapterLayout(List.of()).pairs())
        .hasMessage("tensors: none (expected: lora_A and lora_B weights)");
  }

  @Test
  void anotherRankChangesRowsOfAAndColumnsOfB() {
    AdapterLayout layout = AdapterLayout.of(config(3, "q_proj"), List.of(Q));
    assertThat(layout.withRank(5)).isEqualTo(AdapterLayout.of(config(5, "q_proj"), List.of(Q)));
    assertThat(layout.withRank(5).withRank(3)).isEqualTo(layout);
  }

  @Test
  void firstDifferenceIsNamedFromBothSides() {
    AdapterLayout two = AdapterLayout.of(config(2, "q_proj"), List.of(Q));
    AdapterLayout three = AdapterLayout.of(config(3, "q_proj"), List.of(Q));
    AdapterLayout more = AdapterLayout.of(config(2, "q_proj", "up_proj"), List.of(Q, UP));
    two.requireSame(AdapterLayout.of(config(2, "q_proj"), List.of(Q)));
    assertThatThrownBy(() -> two.requireSame(three))
        .hasMessage(A_OF_Q + ": shape [3, 6] (expected: [2, 6])");
    assertThatThrownBy(() -> more.requireSame(two))
        .hasMessage("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight: missing");
    assertThatThrownBy(() -> two.requireSame(more))
        .hasMessage(
            "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight: not a tensor of this"
                + " adapter");
  }

  @Test
  void valuesMustFitTheTensors() {
    AdapterLayout layout = AdapterLayout.of(config(2, "q_proj"), List.of(Q));
    assertThatThrownBy(() -> AdapterDelta.of(layout, List.of(FloatBuffer.allocate(12))))
        .hasMessage("tensors: 1 (expected: 2)");
    assertThatThrownBy(
            () ->
                AdapterDelta.of(layout, List.of(FloatBuffer.allocate(12), FloatBuffer.allocate(7))))
        .hasMessage(B_OF_Q + ": 7 values (expected: 8)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 1 | tensor name: empty (expected: at least one character)",
        "w | 0 | w: shape [0] (expected: every dimension >= 1)",
        "w | -3 | w: shape [-3] (expected: every dimension >= 1)",
        "w | 65536 65536 | w: shape [65536, 65536] (expected: fewer than 2^31 elements)",
        "w | 2147483647 2 | w: shape [2147483647, 2] (expected: fewer than 2^31 elements)",
      })
  void tensorThatCannotBeIsRefused(String name, String shape, String message) {
    List<Integer> dimensions = new ArrayList<>();
    for (String dimension : shape.split(" ", -1)) {
      dimensions.add(Integer.valueOf(dimension));
    }
    assertThatThrownBy(() -> new TensorSpec(name, dimensions)).hasMessage(message);
  }

  @Test
  void tensorOfTheMostElementsIsTaken() {
    TensorSpec largest = new TensorSpec("w", List.of(1, Integer.MAX_VALUE));
    assertThat(largest.elements()).isEqualTo(Integer.MAX_VALUE);
    assertThat(new TensorSpec("s", List.of()).elements()).isEqualTo(1);
    assertThat(new TensorSpec("w", List.of(3, 4, 5)).elements()).isEqualTo(60);
  }

  @Test
  void targetIsTheLastPartOfALayersName() {
    assertThat(Q.target()).isEqualTo("q_proj");
    assertThat(new LinearSpec("lm_head", 1, 1).target()).isEqualTo("lm_head");
    assertThat(Q.isNamedBy("q_proj")).isTrue();
    assertThat(Q.isNamedBy("self_attn.q_proj")).isTrue();
    assertThat(Q.isNamedBy("model.layers.0.self_attn.q_proj")).isTrue();
    assertThat(Q.isNamedBy("proj")).isFalse();
    assertThat(Q.isNamedBy("layers.0")).isFalse();
  }
}
