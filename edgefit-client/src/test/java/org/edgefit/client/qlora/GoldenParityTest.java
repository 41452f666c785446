package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.GoldenModels;
import org.edgefit.data.Example;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The engine against transformers, PEFT and bitsandbytes: the cases among the test resources, and
 * with {@code -Dedgefit.golden=DIR} every case below a folder.
 */
class GoldenParityTest {

  private static final String FOLDER = "edgefit.golden";

  @TempDir Path temp;

  static List<Path> cases() throws IOException {
    List<Path> cases = new ArrayList<>();
    for (String root : List.of("src/test/resources/golden", System.getProperty(FOLDER, ""))) {
      if (!root.isEmpty()) {
        try (Stream<Path> folders = Files.list(Path.of(root))) {
          folders
              .filter(path -> Files.exists(path.resolve(ModelConfig.FILE)))
              .sorted()
              .forEach(cases::add);
        }
      }
    }
    return cases;
  }

  /** Opens a case's model: in full precision, or with the quantisation states that lie beside. */
  private BaseModel load(Path folder) throws IOException {
    return Files.exists(folder.resolve("nf4_states.safetensors"))
        ? BaseModel.load(GoldenModels.withStoredStates(folder, temp), Quantization.NONE)
        : BaseModel.load(folder, Quantization.NONE);
  }

  private static long[] longs(SafetensorsFile file, String name) throws IOException {
    ByteBuffer bytes = file.read(name);
    long[] values = new long[bytes.remaining() / Long.BYTES];
    bytes.asLongBuffer().get(values);
    return values;
  }

  private static List<Example> examples(SafetensorsFile golden) throws IOException {
    List<Long> shape = golden.tensor("input_ids").shape();
    int length = Math.toIntExact(shape.get(1));
    long[] ids = longs(golden, "input_ids");
    long[] mask = longs(golden, "attention_mask");
    long[] labels = longs(golden, "labels");
    List<Example> examples = new ArrayList<>();
    for (int row = 0; row < shape.get(0); row++) {
      int from = row * length;
      int n = 0;
      while (n < length && mask[from + n] == 1) {
        n++;
      }
      int labelStart = n;
      while (labelStart > 1 && labels[from + labelStart - 1] != -100) {
        labelStart--;
      }
      int[] tokens = new int[n];
      for (int i = 0; i < n; i++) {
        tokens[i] = Math.toIntExact(ids[from + i]);
      }
      examples.add(new Example(tokens, labelStart));
    }
    return examples;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void logitsAgree(Path folder) throws IOException {
    try (BaseModel base = load(folder);
        SafetensorsFile golden = SafetensorsFile.open(folder.resolve("golden.safetensors"));
        Decoder decoder = Decoder.of(base, PeftAdapter.read(folder.resolve("adapter0")))) {
      int length = Math.toIntExact(golden.tensor("input_ids").shape().get(1));
      int vocabulary = base.config().vocabularySize();
      float[] expected = golden.floats("logits").array();
      List<int[]> texts = examples(golden).stream().map(Example::ids).toList();
      Batch batch = Batch.texts(texts);
      try (Decoder.Pass pass = decoder.infer(batch);
          NDArray array = pass.logits(0, batch.rows())) {
        float[] logits = array.toFloatArray();
        for (int i = 0; i < logits.length; i++) {
          int row = i / vocabulary;
          int text = row < texts.get(0).length ? 0 : 1;
          int position = row - batch.segments().get(text).start();
          int place = (text * length + position) * vocabulary + i % vocabulary;
          assertThat(logits[i])
              .as("row %d position %d id %d", text, position, i % vocabulary)
              .isCloseTo(expected[place], within(1e-5f));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientsAndStepsAgree(Path folder) throws IOException {
    try (BaseModel base = load(folder);
        SafetensorsFile golden = SafetensorsFile.open(folder.resolve("golden.safetensors"));
        NDManager manager = TorchEngine.newManager();
        LoraWeights lora =
            new LoraWeights(manager, base, PeftAdapter.read(folder.resolve("adapter0")));
        Decoder decoder = new Decoder(base, lora, MemoryPlan.unlimited(base.config()))) {
      ObjectNode numbers = Json.read(folder.resolve("golden.json"));
      Batch batch = Batch.packed(examples(golden));
      assertThat(batch.labelTokens()).isEqualTo(numbers.get("n_label_tokens").asInt());
      AdamW optimizer = new AdamW(lora.weights().capacity(), 0.9, 0.999, 1e-8, 0);
      double firstClip = 1;
      for (int step = 0; step < 3; step++) {
        lora.clearGradients();
        double loss = 0;
        try (Decoder.Pass pass = decoder.train(batch, null, new Seed(0))) {
          for (float likelihood : pass.backward(1.0 / batch.labelTokens())) {
            loss -= likelihood;
          }
        }
        double norm = AdamW.norm(lora.gradients());
        assertThat(loss / batch.labelTokens())
            .as("loss of step %d", step)
            .isCloseTo(numbers.get("losses").get(step).asDouble(), within(1e-5));
        assertThat(norm)
            .as("gradient norm of step %d", step)
            .isCloseTo(numbers.get("grad_norms_before_clip").get(step).asDouble(), within(1e-4));
        if (step == 0) {
          gradientsAgree(golden, lora);
          firstClip = AdamW.clipFactor(norm, 0.3);
        }
        optimizer.step(lora.weights(), lora.gradients(), AdamW.clipFactor(norm, 0.3), 2e-4);
        lora.refresh();
        if (step != 1) {
          weightsAgree(golden, firstClip, "step" + (step + 1) + ".", lora.toAdapter());
        }
      }
    }
  }

  private static void assumeBfloat16() {
    assumeTrue(
        ComputeProbe.supports(ComputeType.BFLOAT16, Device.cpu()),
        "no such products on this machine");
  }

  /** Every tensor's gradient in bfloat16 points where the one in float32 does. */
  @ParameterizedTest
  @MethodSource("cases")
  void bfloat16GradientsPointTheSameWay(Path folder) throws IOException {
    assumeBfloat16();
    try (BaseModel base = load(folder);
        SafetensorsFile golden = SafetensorsFile.open(folder.resolve("golden.safetensors"));
        NDManager manager = TorchEngine.newManager();
        LoraWeights lora =
            new LoraWeights(
                manager, base, PeftAdapter.read(folder.resolve("adapter0")), ComputeType.BFLOAT16);
        Decoder decoder = new Decoder(base, lora, MemoryPlan.unlimited(base.config()))) {
      Batch batch = Batch.packed(examples(golden));
      lora.clearGradients();
      try (Decoder.Pass pass = decoder.train(batch, null, new Seed(0))) {
        pass.backward(1.0 / batch.labelTokens());
      }
      for (TensorSpec tensor : lora.toAdapter().layout().tensors()) {
        FloatBuffer expected = golden.floats("grad." + tensor.name());
        assertThat(cosine(lora.gradient(tensor.name()), expected))
            .as(tensor.name())
            .isGreaterThan(0.99);
      }
    }
  }

  /**
   * The same for a whole model that {@code -Dedgefit.model=DIR} names, on 4 x 256 random tokens and
   * with a B that is not zero.
   */
  @Test
  void bfloat16GradientsOfAWholeModelPointTheSameWay() throws IOException {
    String folder = System.getProperty("edgefit.model", "");
    assumeTrue(!folder.isEmpty(), "no -Dedgefit.model=DIR");
    assumeBfloat16();
    try (BaseModel base = BaseModel.load(Path.of(folder), Quantization.NF4)) {
      Adapter adapter = trained(base);
      List<Example> examples = new ArrayList<>();
      SplittableRandom random = new SplittableRandom(3);
      for (int e = 0; e < 4; e++) {
        int[] ids = new int[257];
        Arrays.setAll(ids, i -> random.nextInt(3, base.config().vocabularySize()));
        examples.add(new Example(ids, 1));
      }
      Batch batch = Batch.packed(examples);
      List<Map<String, FloatBuffer>> gradients = new ArrayList<>();
      for (ComputeType type : ComputeType.values()) {
        try (NDManager manager = TorchEngine.newManager();
            LoraWeights lora = new LoraWeights(manager, base, adapter, type);
            Decoder decoder = new Decoder(base, lora, MemoryPlan.unlimited(base.config()))) {
          lora.clearGradients();
          try (Decoder.Pass pass = decoder.train(batch, null, new Seed(0))) {
            pass.backward(1.0 / batch.labelTokens());
          }
          Map<String, FloatBuffer> of = new TreeMap<>();
          adapter
              .layout()
              .tensors()
              .forEach(tensor -> of.put(tensor.name(), lora.gradient(tensor.name())));
          gradients.add(of);
        }
      }
      double least = 1;
      for (String tensor : gradients.get(0).keySet()) {
        double cosine = cosine(gradients.get(1).get(tensor), gradients.get(0).get(tensor));
        assertThat(cosine).as(tensor).isGreaterThan(0.99);
        least = Math.min(least, cosine);
      }
      System.out.println(folder + ": least cosine of a tensor's gradients " + least);
    }
  }

  /** Returns an adapter as a short training leaves it: A as at the start, and a small B. */
  private static Adapter trained(BaseModel base) {
    Adapter start = Adapter.initial(LoraConfig.attention(16), base.linearLayers(), new Seed(1));
    SplittableRandom random = new SplittableRandom(1);
    List<FloatBuffer> values = new ArrayList<>();
    for (int t = 0; t < start.layout().tensors().size(); t++) {
      FloatBuffer copy = FloatBuffer.allocate(start.layout().tensors().get(t).elements());
      for (int i = 0; i < copy.capacity(); i++) {
        boolean isA = start.layout().tensors().get(t).name().contains("lora_A");
        copy.put(i, isA ? start.tensor(t).get(i) : (float) random.nextDouble(-0.02, 0.02));
      }
      values.add(copy);
    }
    return Adapter.of(start.config(), start.layout(), values);
  }

  private static double cosine(FloatBuffer one, FloatBuffer other) {
    double product = 0;
    double ones = 0;
    double others = 0;
    for (int i = 0; i < one.capacity(); i++) {
      product += (double) one.get(i) * other.get(i);
      ones += (double) one.get(i) * one.get(i);
      others += (double) other.get(i) * other.get(i);
    }
    return product / Math.sqrt(ones * others);
  }

  private static void gradientsAgree(SafetensorsFile golden, LoraWeights lora) throws IOException {
    for (TensorSpec tensor : lora.toAdapter().layout().tensors()) {
      float[] expected = golden.floats("grad." + tensor.name()).array();
      FloatBuffer actual = lora.gradient(tensor.name());
      double difference = 0;
      double norm = 0;
      for (int i = 0; i < expected.length; i++) {
        difference += Math.pow(actual.get(i) - expected[i], 2);
        norm += Math.pow(expected[i], 2);
      }
      assertThat(Math.sqrt(difference / norm)).as(tensor.name()).isLessThan(1e-4);
    }
  }

  /**
   * Weights agree within 1e-6, and where a gradient g lies beside AdamW's epsilon, within what
   * eight roundings of its sum make of it: a first step is lr g / (|g| + eps), whose slope is lr
   * eps / (|g| + eps)^2, 7,000 at such a g, so that processors which sum in another order differ.
   */
  private static void weightsAgree(
      SafetensorsFile golden, double clip, String prefix, Adapter adapter) throws IOException {
    for (int t = 0; t < adapter.layout().tensors().size(); t++) {
      String name = adapter.layout().tensors().get(t).name();
      float[] expected = golden.floats(prefix + name).array();
      float[] gradient = golden.floats("grad." + name).array();
      double largest = 0;
      for (float g : gradient) {
        largest = Math.max(largest, clip * Math.abs(g));
      }
      double rounding = 8 * 0x1p-24 * largest;
      for (int i = 0; i < expected.length; i++) {
        double beside = clip * Math.abs(gradient[i]) + 1e-8;
        double slope = 2e-4 * 1e-8 / (beside * beside);
        assertThat((double) adapter.tensor(t).get(i))
            .as("%s%s[%d]", prefix, name, i)
            .isCloseTo(expected[i], within(Math.max(1e-6, slope * rounding)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void nf4StatesAreByteExact(Path folder) throws IOException {
    assumeTrue(Files.exists(folder.resolve("nf4_states.safetensors")), "the case is not quantised");
    GoldenModels.assertQuantizedLikeStored(folder);
  }

  @Test
  void casesAreThere() throws IOException {
    assertThat(cases()).isNotEmpty();
  }
}
