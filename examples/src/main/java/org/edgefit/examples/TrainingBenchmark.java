package org.edgefit.examples;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.KernelProfile;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.client.qlora.MemoryPlan;
import org.edgefit.client.qlora.QloraTrainer;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.internal.cli.Launcher;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Times full QLoRA steps, and the bare matmuls of the same shapes. */
@Command(
    name = "TrainingBenchmark",
    description =
        "Times full QLoRA steps (forward, backward, clipping, AdamW): on random tokens, all with"
            + " labels, or on records. It also times every matmul of a step alone, and compares"
            + " peak memory with its prediction.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class TrainingBenchmark implements Callable<Integer> {

  @Parameters(
      paramLabel = "MODEL",
      description =
          "a model directory, or smollm2-135m, smollm2-360m, phi-3-mini or llama-2-7b for random"
              + " weights of that shape")
  private String model = "";

  @Option(names = "--batch", description = "records per step (default: ${DEFAULT-VALUE})")
  private int batch = 4;

  @Option(names = "--seq", description = "tokens per record (default: ${DEFAULT-VALUE})")
  private int sequence = 256;

  @Option(
      names = "--steps",
      description = "steps after the first, 0 for memory only (default: ${DEFAULT-VALUE})")
  private int steps = 5;

  @Option(names = "--rank", description = "rank on q, k, v, o (default: ${DEFAULT-VALUE})")
  private int rank = 16;

  @Option(names = "--dropout", description = "LoRA dropout (default: ${DEFAULT-VALUE})")
  private double dropout = 0.05;

  @Option(names = "--threads", description = "threads (default: ${DEFAULT-VALUE})")
  private int threads = 2;

  @Option(names = "--compute", description = "${COMPLETION-CANDIDATES} (default: float32)")
  private ComputeType compute = ComputeType.FLOAT32;

  @Option(names = "--gpu", paramLabel = "N", description = "a CUDA device (default: the CPU)")
  private @Nullable Integer gpu;

  @Option(names = "--memory-mb", description = "memory budget in MiB (default: none)")
  private long memory;

  @Option(
      names = "--data",
      paramLabel = "FILE.jsonl",
      description = "records instead of random tokens: padding-free, response labels")
  private @Nullable Path data;

  @Option(names = "--no-products", description = "skip timing matmuls alone")
  private boolean noProducts;

  @Option(names = "--profile", description = "print the time in each kernel")
  private boolean profile;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures as JSON")
  private @Nullable Path json;

  private final Map<String, Object> figures = new LinkedHashMap<>();
  private final long start = System.nanoTime();

  private TrainingBenchmark() {}

  /** Runs the benchmark. */
  public static void main(String[] args) {
    System.exit(Launcher.execute(new TrainingBenchmark(), args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    TorchEngine.setThreads(threads);
    try (BaseModel base = load()) {
      show("base model in memory, MB", base.bytes() / 1e6);
      show("loaded after, s", seconds(start));
      show("resident after loading, MB", resident("VmRSS"));
      List<Example> examples = data == null ? randomExamples(base) : records(base, data);
      train(base, examples);
      if (profile && steps > 0) {
        printProfile();
      }
      if (!noProducts && steps > 0) {
        products(base, rows(examples.subList(0, batch)));
      }
    }
    if (json != null) {
      Files.writeString(json, Json.line(figures) + "\n");
    }
    return 0;
  }

  private BaseModel load() throws IOException {
    return Files.isDirectory(Path.of(model))
        ? BaseModel.load(Path.of(model), Quantization.NF4, device())
        : BaseModel.random(ModelConfig.shape(model), new Seed(1), device());
  }

  private Device device() {
    return gpu == null ? Device.cpu() : Device.gpu(gpu);
  }

  private List<Example> randomExamples(BaseModel base) {
    SplittableRandom random = new SplittableRandom(2);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < batch * (steps + 1); i++) {
      int[] ids = new int[sequence + 1];
      Arrays.setAll(ids, j -> random.nextInt(3, base.config().vocabularySize()));
      examples.add(new Example(ids, 1));
    }
    return examples;
  }

  private List<Example> records(BaseModel base, Path file) throws IOException {
    ExampleEncoder encoder =
        new ExampleEncoder(base.tokenizer(), base.tokenizer().template("llama2"), sequence, true);
    List<Example> examples = encoder.encode(InstructionDataset.jsonl(file)).examples();
    int wanted = batch * (steps + 1);
    if (examples.size() < wanted) {
      throw new IOException(
          file + ": " + examples.size() + " usable records (expected: at least " + wanted + ")");
    }
    return examples.subList(0, wanted);
  }

  private static int rows(List<Example> examples) {
    return examples.stream().mapToInt(example -> example.length() - 1).sum();
  }

  private void train(BaseModel base, List<Example> examples)
      throws IOException, InterruptedException {
    LoraConfig lora = LoraConfig.attention(rank).withDropout(dropout);
    Adapter adapter = Adapter.initial(lora, base.linearLayers(), new Seed(1));
    Training training = Training.defaults().toBuilder().epochs(1).batchSize(batch).build();
    ComputeOptions options = new ComputeOptions(compute, memory << 20);
    List<Double> times = new ArrayList<>();
    long[] last = {System.nanoTime()};
    new QloraTrainer(
            base,
            (step, of, loss) -> {
              long now = System.nanoTime();
              double time = (now - last[0]) / 1e9;
              if (step == 1) {
                show("first step done after, s", seconds(start));
                if (profile) {
                  KernelProfile.start();
                }
              } else {
                times.add(time);
                System.out.printf(
                    Locale.ROOT, "step %d: %.2f s, loss %.3f%n", step - 1, time, loss);
              }
              last[0] = System.nanoTime();
            },
            options)
        .train(examples, adapter, training, 1, 1, new Seed(3));
    if (!times.isEmpty()) {
      double[] sorted = times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      show("median step, s", sorted[sorted.length / 2]);
      // The first step is not counted; each step takes one record in a batch on average.
      double tokens = rows(examples) * (double) times.size() / (times.size() + 1);
      show("tokens/s", tokens / times.stream().mapToDouble(Double::doubleValue).sum());
      figures.put("step", sorted[sorted.length / 2]);
    }
    show("peak resident, MB", resident("VmHWM"));
    MemoryPlan plan = MemoryPlan.of(base.config(), Quantization.NF4, lora, compute).on(device());
    int most = 0;
    for (int from = 0; from < examples.size(); from += batch) {
      most = Math.max(most, rows(examples.subList(from, from + batch)));
    }
    if (memory > 0) {
      plan = plan.within(memory << 20, most);
    }
    Map<String, Long> components = plan.components(most);
    components.forEach((name, bytes) -> show("predicted " + name + ", MB", bytes / 1e6));
    show("predicted in all, MB", MemoryPlan.total(components) / 1e6);
    show("layers that keep their activations", (double) plan.layersKept(most));
  }

  private void products(BaseModel base, int rows) {
    int layers = base.config().layers();
    int kept =
        ((Double) figures.getOrDefault("layers that keep their activations", 0.0)).intValue();
    double seconds =
        StepProducts.seconds(base, compute, rows, rank, layers - kept, steps > 1 ? 3 : 1);
    show("its matrix products alone, s", seconds);
    show("step / products", (Double) figures.getOrDefault("step", 0.0) / seconds);
  }

  private void printProfile() {
    KernelProfile.stop().entrySet().stream()
        .sorted(Comparator.comparing(kernel -> -kernel.getValue()[0]))
        .forEach(
            kernel ->
                System.out.printf(
                    Locale.ROOT,
                    "%-40s %9.1f ms in a step, %5d calls%n",
                    kernel.getKey(),
                    kernel.getValue()[0] / 1e6 / steps,
                    kernel.getValue()[1] / steps));
  }

  private void show(String name, double value) {
    figures.put(name, value);
    System.out.printf(Locale.ROOT, "%-40s %9.2f%n", name, value);
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static double resident(String key) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return Double.NaN;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith(key + ":")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024 / 1e6;
      }
    }
    return Double.NaN;
  }
}
