package org.edgefit.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

class AdapterTest {

  private static final List<LinearSpec> LAYERS =
      List.of(
          new LinearSpec("model.layers.10.self_attn.q_proj", 100, 8),
          new LinearSpec("model.layers.2.self_attn.q_proj", 100, 8),
          new LinearSpec("model.layers.2.mlp.up_proj", 100, 8));
  private static final LoraConfig CONFIG = new LoraConfig(4, 8, 0, List.of("q_proj"));

  @Test
  void freshAdapterHasUniformAAndZeroB() {
    Adapter adapter = Adapter.initial(CONFIG, LAYERS, new Seed(1));
    assertThat(adapter.layout().tensors()).hasSize(4);
    for (int t = 0; t < 4; t++) {
      boolean isA = adapter.layout().tensors().get(t).name().contains("lora_A");
      double sum = 0;
      for (int i = 0; i < adapter.tensor(t).capacity(); i++) {
        float value = adapter.tensor(t).get(i);
        assertThat(Math.abs(value)).isLessThanOrEqualTo(isA ? 0.1f : 0);
        sum += value * value;
      }
      if (isA) { // the variance of a uniform value in [-0.1, 0.1] is 0.01 / 3
        assertThat(sum / 400).isBetween(0.0028, 0.0039);
      }
    }
  }

  @Test
  void plusUndoesMinus() {
    Adapter start = Adapter.initial(CONFIG, LAYERS, new Seed(1));
    Adapter end = Adapter.initial(CONFIG, LAYERS, new Seed(2));
    AdapterDelta delta = end.minus(start);
    Adapter again = start.plus(delta);
    for (int i = 0; i < 400; i++) {
      assertThat(again.tensor(0).get(i)).isBetween(-0.1001f, 0.1001f);
      assertThat(Math.abs(again.tensor(0).get(i) - end.tensor(0).get(i))).isLessThan(1e-7f);
    }
    assertThat(delta.norm()).isGreaterThan(0);
  }

  @Test
  void targetThatNamesNoLayerIsRefused() {
    LoraConfig wrong = CONFIG.withTargets(List.of("query_key_value"));
    assertThatThrownBy(() -> AdapterLayout.of(wrong, LAYERS))
        .hasMessage("targets: query_key_value (expected: among [q_proj, up_proj])");
  }

  @Test
  void firstTensorThatDiffersIsNamed() {
    AdapterLayout rank4 = AdapterLayout.of(CONFIG, LAYERS);
    AdapterLayout rank2 = AdapterLayout.of(new LoraConfig(2, 8, 0, List.of("q_proj")), LAYERS);
    assertThatThrownBy(() -> rank4.requireSame(rank2))
        .hasMessageContaining("layers.10.self_attn.q_proj.lora_A.weight: shape [2, 100]")
        .hasMessageContaining("[4, 100]");
    AdapterLayout fewer = AdapterLayout.of(CONFIG, LAYERS.subList(0, 1));
    assertThatThrownBy(() -> rank4.requireSame(fewer)).hasMessageContaining("layers.2");
    assertThatThrownBy(() -> fewer.requireSame(rank4))
        .hasMessageContaining("not a tensor of this adapter");
  }

  @Test
  void configOutOfRangeIsRefusedByName() {
    assertThatThrownBy(() -> LoraConfig.attention(0)).hasMessage("rank: 0 (expected: 1 to 4096)");
    assertThatThrownBy(() -> CONFIG.withDropout(1)).hasMessageContaining("dropout: 1.0");
    assertThatThrownBy(() -> CONFIG.withAlpha(Double.NaN)).hasMessageContaining("alpha: NaN");
  }
}
