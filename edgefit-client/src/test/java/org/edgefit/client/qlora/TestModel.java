package org.edgefit.client.qlora;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.random.Seed;

/** A small model with random weights, and adapters and examples for it. */
final class TestModel {

  private TestModel() {}

  static BaseModel load(Quantization quantization) throws IOException {
    return BaseModel.load(Path.of("src/test/resources/golden/llama"), quantization);
  }

  /** Returns an adapter whose B is not zero, so that every gradient is alive. */
  static Adapter adapter(BaseModel base, LoraConfig config, long seed) {
    Adapter fresh = Adapter.initial(config, base.linearLayers(), new Seed(seed));
    SplittableRandom random = new SplittableRandom(seed);
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : fresh.layout().tensors()) {
      float[] weights = new float[tensor.elements()];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextDouble(-0.1, 0.1);
      }
      values.add(FloatBuffer.wrap(weights));
    }
    return Adapter.of(config, fresh.layout(), values);
  }

  static List<Example> examples(BaseModel base, long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Example> examples = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      int[] ids = new int[random.nextInt(4, 16)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = random.nextInt(base.config().vocabularySize());
      }
      examples.add(new Example(ids, random.nextInt(1, ids.length - 1)));
    }
    return examples;
  }
}
