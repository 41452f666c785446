package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QloraTrainerTest {

  private static final LoraConfig LORA = LoraConfig.attention(4).withDropout(0.1);
  private static BaseModel base;

  @BeforeAll
  static void load() throws IOException {
    base = TestModel.load(Quantization.NF4);
  }

  @AfterAll
  static void close() {
    base.close();
  }

  private static Training training(int batch, int accumulation) {
    return Training.defaults().toBuilder()
        .epochs(2)
        .batchSize(batch)
        .accumulation(accumulation)
        .learningRate(1e-2)
        .build();
  }

  private static Adapter train(LoraConfig lora, Training training, long seed)
      throws InterruptedException {
    Adapter start = TestModel.adapter(base, lora, 1);
    return new QloraTrainer(base, StepListener.none())
        .train(TestModel.examples(base, 2, 10), start, training, 1, 1, new Seed(seed))
        .adapter();
  }

  private static float largestDifference(Adapter a, Adapter b) {
    float largest = 0;
    for (int t = 0; t < a.layout().tensors().size(); t++) {
      for (int i = 0; i < a.tensor(t).capacity(); i++) {
        largest = Math.max(largest, Math.abs(a.tensor(t).get(i) - b.tensor(t).get(i)));
      }
    }
    return largest;
  }

  @Test
  void sameSeedGivesTheSameBits() throws InterruptedException {
    Adapter first = train(LORA, training(4, 1), 3);
    assertThat(largestDifference(first, train(LORA, training(4, 1), 3))).isZero();
    assertThat(largestDifference(first, train(LORA, training(4, 1), 4))).isGreaterThan(0);
  }

  @Test
  void manyAdaptersTrainOverOneBaseAtOnce() throws Exception {
    List<Adapter> alone = new ArrayList<>();
    for (int seed = 0; seed < 4; seed++) {
      alone.add(train(LORA, training(4, 1), seed));
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Adapter>> together = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int seed = i;
        together.add(threads.submit(() -> train(LORA, training(4, 1), seed)));
      }
      for (int i = 0; i < 4; i++) {
        assertThat(largestDifference(alone.get(i), together.get(i).get())).isZero();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void accumulatedStepIsTheStepOfTheWholeBatch() throws InterruptedException {
    LoraConfig still = LORA.withDropout(0);
    Adapter whole = train(still, training(6, 1), 3);
    Adapter parts = train(still, training(2, 3), 3);
    // AdamW turns the rounding of tiny gradients into steps, so a few weights differ more.
    assertThat(largestDifference(whole, parts)).isLessThan(2e-3f);
    assertThat(largestDifference(whole, train(still, training(2, 1), 3))).isGreaterThan(1e-2f);
  }

  @Test
  void lossFalls() throws InterruptedException {
    List<Double> losses = new ArrayList<>();
    Training training = training(5, 1).toBuilder().epochs(50).build();
    new QloraTrainer(base, (step, steps, loss) -> losses.add(loss))
        .train(
            TestModel.examples(base, 2, 10),
            Adapter.initial(LORA, base.linearLayers(), new Seed(1)),
            training,
            1,
            1,
            new Seed(3));
    assertThat(losses).hasSize(100);
    assertThat(losses.get(99)).isLessThan(losses.get(0) - 0.3);
  }

  @Test
  void interruptedTrainingStops() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> train(LORA, training(4, 1), 3))
        .isInstanceOf(InterruptedException.class);
  }

  @Test
  void adapterThatDoesNotFitTheBaseIsRefused() {
    Adapter odd =
        Adapter.initial(
            LORA,
            List.of(
                new LinearSpec("model.layers.0.self_attn.q_proj", 8, 8),
                new LinearSpec("model.layers.0.self_attn.k_proj", 8, 8),
                new LinearSpec("model.layers.0.self_attn.v_proj", 8, 8),
                new LinearSpec("model.layers.0.self_attn.o_proj", 8, 8)),
            new Seed(1));
    List<Example> examples = TestModel.examples(base, 2, 2);
    assertThatThrownBy(
            () ->
                new QloraTrainer(base, StepListener.none())
                    .train(examples, odd, training(1, 1), 1, 1, new Seed(1)))
        .hasMessageContaining("layers.0.self_attn.k_proj.lora_A.weight: shape [4, 8]");
  }

  @ParameterizedTest
  @EnumSource(ComputeType.class)
  void dropoutHasItsRateInEitherType(ComputeType type) {
    try (NDManager manager = TorchEngine.newManager();
        Dropout dropout = new Dropout(manager, 0.05, type);
        NDArray mask =
            Kernels.toType(manager, dropout.mask(new Seed(1), 1000, 576), ComputeType.FLOAT32)) {
      float[] values = mask.toFloatArray();
      int zeros = 0;
      for (float value : values) {
        zeros += value == 0 ? 1 : 0;
        assertThat(value).isIn(0f, 1f);
      }
      assertThat((double) zeros / values.length).isCloseTo(0.05, within(1e-3));
      assertThat(dropout.scale()).isCloseTo(1 / 0.95, within(1e-4));
    }
  }

  @Test
  void packedAndPaddedTextsHaveTheSameLossAndGradients() {
    List<Example> examples = TestModel.examples(base, 4, 5);
    try (NDManager manager = TorchEngine.newManager();
        LoraWeights lora = new LoraWeights(manager, base, TestModel.adapter(base, LORA, 1));
        Decoder decoder = new Decoder(base, lora, MemoryPlan.unlimited(base.config()))) {
      float[][] likelihoods = new float[2][];
      float[][] gradients = new float[2][lora.gradients().capacity()];
      Batch[] batches = {Batch.packed(examples), Batch.padded(examples)};
      assertThat(batches[1].rows()).isGreaterThan(batches[0].rows());
      for (int i = 0; i < 2; i++) {
        lora.clearGradients();
        try (Decoder.Pass pass = decoder.train(batches[i], null, new Seed(1))) {
          likelihoods[i] = pass.backward(1.0 / batches[i].labelTokens());
        }
        lora.gradients().get(gradients[i]);
      }
      assertThat(likelihoods[1]).containsExactly(likelihoods[0], within(1e-5f));
      assertThat(gradients[1]).containsExactly(gradients[0], within(1e-6f));
    }
  }

  @Test
  void layersThatRunOnceMoreGiveTheSameBits() {
    ModelConfig config = base.config();
    MemoryPlan all = MemoryPlan.of(config, Quantization.NF4, LORA, ComputeType.FLOAT32);
    Batch batch = Batch.packed(TestModel.examples(base, 4, 5));
    long total = MemoryPlan.total(all.components(batch.rows()));
    List<float[]> gradients = new ArrayList<>();
    for (long less = 0; less < 200_000; less += 20_000) {
      MemoryPlan plan;
      try {
        plan = all.within(total - less, batch.rows());
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("memory: ").hasMessageContaining("at least");
        break;
      }
      try (NDManager manager = TorchEngine.newManager();
          LoraWeights lora = new LoraWeights(manager, base, TestModel.adapter(base, LORA, 1));
          Dropout dropout = new Dropout(manager, 0.1, ComputeType.FLOAT32);
          Decoder decoder = new Decoder(base, lora, plan);
          Decoder.Pass pass = decoder.train(batch, dropout, new Seed(1))) {
        pass.backward(1);
        float[] values = new float[lora.gradients().capacity()];
        lora.gradients().get(values);
        gradients.add(values);
      }
      if (plan.layersKept(batch.rows()) == 0) {
        assertThat(gradients.size()).isGreaterThan(1);
      }
    }
    assertThat(gradients).hasSizeGreaterThan(1).allMatch(g -> Arrays.equals(g, gradients.get(0)));
  }

  @Test
  void adamWIsTorchsForm() {
    // One weight, two steps, by hand in double: torch.optim.AdamW with weight decay 0.1.
    FloatBuffer weight = FloatBuffer.wrap(new float[] {0.5f});
    AdamW optimizer = new AdamW(1, 0.9, 0.999, 1e-8, 0.1);
    double expected = 0.5;
    double m = 0;
    double v = 0;
    double[] gradients = {0.3, -0.7};
    for (int step = 1; step <= 2; step++) {
      double g = gradients[step - 1];
      optimizer.step(weight, FloatBuffer.wrap(new float[] {(float) g}), 1, 0.01);
      expected *= 1 - 0.01 * 0.1;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      double mHat = m / (1 - Math.pow(0.9, step));
      double vHat = v / (1 - Math.pow(0.999, step));
      expected -= 0.01 * mHat / (Math.sqrt(vHat) + 1e-8);
      assertThat((double) weight.get(0)).isCloseTo(expected, within(1e-7));
    }
  }

  @Test
  void branchingTextScoresLikeSeparateTexts() {
    List<int[]> texts = List.of(new int[] {5, 9, 77, 3}, new int[] {7, 30});
    List<List<int[]>> endings =
        List.of(
            List.of(new int[] {8, 2, 6}, new int[] {11}, new int[] {8, 3}),
            List.of(new int[] {4}, new int[] {9, 1, 1, 20}));
    try (Decoder decoder = Decoder.of(base, TestModel.adapter(base, LORA, 1))) {
      float[] together;
      Batch batch =
          Batch.branching(
              List.of(
                  new Batch.Branching(texts.get(0), endings.get(0)),
                  new Batch.Branching(texts.get(1), endings.get(1))));
      try (Decoder.Pass pass = decoder.infer(batch)) {
        together = pass.logLikelihoods();
      }
      int next = 0;
      int example = 0;
      for (int t = 0; t < texts.size(); t++) {
        int[] text = texts.get(t);
        for (int[] ending : endings.get(t)) {
          int[] whole = new int[text.length + ending.length];
          System.arraycopy(text, 0, whole, 0, text.length);
          System.arraycopy(ending, 0, whole, text.length, ending.length);
          try (Decoder.Pass pass =
              decoder.infer(Batch.packed(List.of(new Example(whole, text.length))))) {
            for (float alone : pass.logLikelihoods()) {
              assertThat(batch.labelExample(next)).isEqualTo(example);
              assertThat(together[next++]).isCloseTo(alone, within(1e-5f));
            }
          }
          example++;
        }
      }
      assertThat(next).isEqualTo(together.length);
    }
  }

  @Test
  void cachedTokensGiveTheLogitsOfTheWholeText() {
    int[] ids = {5, 9, 77, 3, 20, 41};
    int vocabulary = base.config().vocabularySize();
    try (Decoder decoder = Decoder.of(base, null);
        KeyValueCache cache = new KeyValueCache(base, 8)) {
      float[] whole = Logits.compute(base, null, ids);
      int seen = 0;
      for (int[] part : new int[][] {{5, 9, 77}, {3}, {20}, {41}}) {
        Batch batch = Batch.following(List.of(part), new int[] {seen});
        try (Decoder.Pass pass = decoder.infer(batch, List.of(cache));
            NDArray logits = pass.nextLogits()) {
          seen += part.length;
          float[] last = logits.toFloatArray();
          for (int id = 0; id < vocabulary; id++) {
            assertThat(last[id]).isCloseTo(whole[(seen - 1) * vocabulary + id], within(1e-5f));
          }
        }
      }
    }
  }
}
