package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

/** An adapter of one block alone, against one of all blocks that does nothing in the others. */
class PartialAdapterTest {

  private static final Path MODEL =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");

  @Test
  void adapterOfOneBlockHasTheLogitsOfOneThatIsZeroElsewhere() throws IOException {
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4)) {
      LoraConfig one =
          new LoraConfig(
              2,
              4,
              0,
              List.of("model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.v_proj"));
      LoraConfig all = new LoraConfig(2, 4, 0, List.of("q_proj", "v_proj"));
      Adapter part = filled(one, base, "layers.1.");
      Adapter whole = filled(all, base, "layers.1.");
      assertThat(part.layout().tensors()).hasSize(4);
      int[] ids = {1, 5, 9, 2, 7};
      float[] logits = Logits.compute(base, part, ids);
      assertThat(logits).isEqualTo(Logits.compute(base, whole, ids));
      assertThat(logits).isNotEqualTo(Logits.compute(base, null, ids));
    }
  }

  /** Returns an adapter whose values follow from their tensors' names; other blocks' B are zero. */
  private static Adapter filled(LoraConfig config, BaseModel base, String block) {
    AdapterLayout layout = AdapterLayout.of(config, base.linearLayers());
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] all = new float[tensor.elements()];
      boolean isZero = tensor.name().contains("lora_B") && !tensor.name().contains(block);
      var random = new Seed(1).split(tensor.name()).generator();
      for (int i = 0; i < all.length && !isZero; i++) {
        all[i] = (float) (random.nextDouble() - 0.5);
      }
      values.add(FloatBuffer.wrap(all));
    }
    return Adapter.of(config, layout, values);
  }
}
