package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.random.Seed;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The hand-written backward pass against finite differences of the loss. */
class GradientCheckTest {

  private static double loss(Decoder decoder, Batch batch, Dropout dropout) {
    try (Decoder.Pass pass = decoder.train(batch, dropout, new Seed(5))) {
      double loss = 0;
      for (float likelihood : pass.logLikelihoods()) {
        loss -= likelihood;
      }
      return loss;
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "q_proj,k_proj,v_proj,o_proj | 0 | NONE",
        "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj | 0 | NONE",
        "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj | 0.3 | NF4",
        "q_proj,up_proj | 0.1 | NF4_SINGLE",
        "k_proj | 0 | NONE",
        "v_proj | 0 | NONE",
        "o_proj | 0.2 | NONE",
        "gate_proj | 0 | NONE",
        "down_proj | 0.2 | NONE",
      })
  void gradientIsTheSlopeOfTheLoss(String targets, double rate, Quantization quantization)
      throws IOException {
    LoraConfig config = new LoraConfig(3, 6, rate, List.of(targets.split(",")));
    try (BaseModel base = TestModel.load(quantization);
        NDManager manager = TorchEngine.newManager();
        LoraWeights lora = new LoraWeights(manager, base, TestModel.adapter(base, config, 1));
        Dropout dropout = new Dropout(manager, rate, ComputeType.FLOAT32);
        Decoder decoder = new Decoder(base, lora, MemoryPlan.unlimited(base.config()))) {
      Batch batch = Batch.packed(TestModel.examples(base, 2, 3));
      lora.clearGradients();
      try (Decoder.Pass pass = decoder.train(batch, dropout, new Seed(5))) {
        pass.backward(1);
      }
      FloatBuffer gradients = lora.gradients();
      // Along a random direction a whole gradient is checked at once, and float32 noise is small.
      for (long seed = 0; seed < 4; seed++) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] direction = new float[gradients.capacity()];
        double predicted = 0;
        for (int i = 0; i < direction.length; i++) {
          direction[i] = random.nextBoolean() ? 1 : -1;
          predicted += (double) direction[i] * gradients.get(i);
        }
        double epsilon = 2e-4;
        move(lora, direction, epsilon);
        double up = loss(decoder, batch, dropout);
        move(lora, direction, -2 * epsilon);
        double down = loss(decoder, batch, dropout);
        move(lora, direction, epsilon);
        double measured = (up - down) / (2 * epsilon);
        assertThat(measured)
            .as("slope along direction %d", seed)
            .isCloseTo(predicted, within(0.02 * AdamW.norm(gradients) + 0.01));
      }
    }
  }

  private static void move(LoraWeights lora, float[] direction, double by) {
    FloatBuffer weights = lora.weights();
    for (int i = 0; i < direction.length; i++) {
      weights.put(i, (float) (weights.get(i) + by * direction[i]));
    }
    lora.refresh();
  }
}
