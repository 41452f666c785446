package org.edgefit.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.TorchKernels;
import org.edgefit.client.qlora.QloraTrainer;
import org.edgefit.data.Example;
import org.edgefit.format.ModelConfig;
import org.edgefit.random.Seed;

/**
 * Times full QLoRA steps (forward, backward, clipping, AdamW) on random tokens, every position of
 * which is learned, and the bare matrix products of the same shapes in the same process.
 *
 * <p>Arguments: a model directory, then optionally {@code batch sequence steps rank threads
 * dropout}.
 */
public final class TrainingBenchmark {

  private TrainingBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length < 1) {
      System.err.println("usage: MODEL_DIR [BATCH SEQUENCE STEPS RANK THREADS DROPOUT]");
      System.exit(2);
    }
    long start = System.nanoTime();
    int batch = argument(args, 1, 4);
    int sequence = argument(args, 2, 256);
    int steps = argument(args, 3, 5);
    int rank = argument(args, 4, 16);
    int threads = argument(args, 5, 2);
    double dropout = args.length > 6 ? Double.parseDouble(args[6]) : 0.05;
    TorchKernels.setThreads(threads);
    try (BaseModel base = BaseModel.load(Path.of(args[0]), Quantization.NF4)) {
      System.out.printf(
          Locale.ROOT,
          "base model: %.1f MB in memory, loaded after %.1f s%n",
          base.bytes() / 1e6,
          seconds(start));
      List<Double> times = train(base, batch, sequence, steps, rank, dropout, start);
      double step = median(times);
      int tokens = batch * sequence;
      double products = median(products(base.config(), tokens, 3));
      System.out.printf(
          Locale.ROOT,
          "step: %.2f s (median of %d), %.1f tokens/s%n"
              + "its matrix products alone: %.2f s, %.1f tokens/s%n"
              + "step / products: %.2f%n"
              + "peak RSS: %d MB%n",
          step,
          times.size(),
          tokens / step,
          products,
          tokens / products,
          step / products,
          peakRss());
    }
  }

  private static int argument(String[] args, int index, int otherwise) {
    return args.length > index ? Integer.parseInt(args[index]) : otherwise;
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  /** Trains, and returns the time of each step but the first. */
  private static List<Double> train(
      BaseModel base, int batch, int sequence, int steps, int rank, double dropout, long start)
      throws InterruptedException {
    LoraConfig lora = LoraConfig.attention(rank).withDropout(dropout);
    Adapter adapter = Adapter.initial(lora, base.linearLayers(), new Seed(1));
    SplittableRandom random = new SplittableRandom(2);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < batch * (steps + 1); i++) {
      int[] ids = new int[sequence + 1];
      Arrays.setAll(ids, j -> random.nextInt(3, base.config().vocabularySize()));
      examples.add(new Example(ids, 1));
    }
    Training training = Training.defaults().toBuilder().epochs(1).batchSize(batch).build();
    List<Double> times = new ArrayList<>();
    if (System.getProperty("profile") != null) {
      TorchKernels.startProfile();
    }
    long[] last = {System.nanoTime()};
    new QloraTrainer(
            base,
            (step, of, loss) -> {
              long now = System.nanoTime();
              double time = (now - last[0]) / 1e9;
              last[0] = now;
              if (step == 1) {
                System.out.printf(
                    Locale.ROOT, "first step done after %.1f s%n", (now - start) / 1e9);
              } else {
                times.add(time);
                System.out.printf(
                    Locale.ROOT, "step %d: %.2f s, loss %.3f%n", step - 1, time, loss);
              }
            })
        .train(examples, adapter, training, 1, 1, new Seed(3));
    TorchKernels.stopProfile().entrySet().stream()
        .sorted(java.util.Comparator.comparing(e -> -e.getValue()[0]))
        .forEach(
            e ->
                System.out.printf(
                    "%-40s %8.1f ms %6d%n",
                    e.getKey(),
                    e.getValue()[0] / 1e6 / (steps + 1),
                    e.getValue()[1] / (steps + 1)));
    return times;
  }

  /** The operands of a product and of the one for the gradient of its input. */
  private record Product(NDArray x, NDArray w) {

    static Product of(NDManager manager, int rows, int inputs, int outputs) {
      return new Product(
          manager.ones(new Shape(rows, inputs)), manager.ones(new Shape(outputs, inputs)));
    }

    void run(NDManager manager) {
      try (NDArray y = TorchKernels.call(manager, "linear", x, w)) {
        TorchKernels.call(manager, "linear_backward", y, w, 0).close();
      }
    }
  }

  /**
   * Times the products of a step in float32: per linear layer one forward and one for the gradient
   * of its input, and the same for the output head, 128 rows at a time.
   */
  private static List<Double> products(ModelConfig config, int tokens, int repeats) {
    int headRows = Math.min(tokens, 128);
    List<Double> times = new ArrayList<>();
    try (NDManager manager = TorchKernels.newManager()) {
      List<Product> layer = new ArrayList<>();
      for (LinearSpec spec :
          config.linearLayers().subList(0, config.linearLayers().size() / config.layers())) {
        layer.add(Product.of(manager, tokens, spec.inputs(), spec.outputs()));
      }
      Product head = Product.of(manager, headRows, config.hiddenSize(), config.vocabularySize());
      for (int repeat = 0; repeat < repeats; repeat++) {
        long start = System.nanoTime();
        for (int i = 0; i < config.layers(); i++) {
          layer.forEach(product -> product.run(manager));
        }
        for (int row = 0; row < tokens; row += headRows) {
          head.run(manager);
        }
        times.add(seconds(start));
      }
    }
    return times;
  }

  private static long peakRss() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return -1;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    return -1;
  }
}
