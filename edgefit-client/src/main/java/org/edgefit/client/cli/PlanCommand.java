package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.NativeMemory;
import org.edgefit.client.qlora.MemoryPlan;
import org.edgefit.file.Json;
import org.edgefit.format.hub.ModelHub;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.internal.cli.LoraOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Predicts a training's memory. */
@Command(
    name = "plan",
    description =
        "Predicts the memory of a training step by component, from the model's config alone.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PlanCommand implements Callable<Integer> {

  /** What the heap needs, in MB of 2^20 bytes: most for reading a tokenizer of 50,000 tokens. */
  private static final int HEAP = 256;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description =
          "directory with config.json; or a shape: smollm2-135m, smollm2-360m,"
              + " phi-3-mini, llama-2-7b")
  private String model = "";

  @Option(
      names = "--batch",
      paramLabel = "B",
      description = "records in a forward pass (default: ${DEFAULT-VALUE})")
  private int batch = 4;

  @Option(
      names = "--seq",
      paramLabel = "S",
      description = "tokens per record (default: ${DEFAULT-VALUE})")
  private int sequence = 256;

  @Option(
      names = "--quantization",
      description = "quantisation: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Quantization quantization = Quantization.NF4;

  @Mixin private LoraOptions lora = new LoraOptions();

  @Mixin private ComputeOption compute = new ComputeOption();

  @Mixin private DeviceOption device = new DeviceOption();

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    ModelConfig config =
        ModelHub.isLocation(model) || Files.exists(Path.of(model))
            ? ModelConfig.read(ModelLocation.resolve(model))
            : ModelConfig.shape(model);
    if (batch < 1 || sequence < 1 || (long) batch * sequence > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "--batch, --seq: " + batch + " x " + sequence + " (expected: 1 to 2^31 - 1 tokens)");
    }
    ComputeType type = compute.fixedType();
    if (type == null) {
      throw new IllegalArgumentException("--compute: auto (expected: float32 or bfloat16)");
    }
    MemoryPlan plan = MemoryPlan.of(config, quantization, lora.toLora(), type).on(device.device());
    int rows = batch * sequence;
    if (compute.memoryBytes() > 0) {
      plan = plan.within(compute.memoryBytes(), rows);
    }
    print(plan, rows, config.layers());
    return 0;
  }

  private void print(MemoryPlan plan, int rows, int layers) {
    Map<String, Long> components = plan.components(rows);
    long total = MemoryPlan.total(components);
    int kept = plan.layersKept(rows);
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("components", components);
      result.put("total", total);
      result.put("layers_kept", kept);
      System.out.println(Json.line(result));
      return;
    }
    System.out.printf(Locale.ROOT, "%d tokens in a forward pass, MB of 10^6 bytes%n", rows);
    components.forEach(
        (name, bytes) -> System.out.printf(Locale.ROOT, "%-24s %8.1f MB%n", name, bytes / 1e6));
    System.out.printf(
        Locale.ROOT,
        "%-24s %8.1f MB%n%s%n",
        "total",
        total / 1e6,
        kept == layers
            ? "all " + layers + " layers keep their activations"
            : kept + " of " + layers + " layers keep their activations; the rest is recomputed");
    System.out.printf(
        Locale.ROOT,
        "all of it counts towards a container's limit; the JVM heap is %d MB"
            + " (JAVA_OPTS=-Xmx%dm)%n",
        HEAP,
        HEAP);
    long limit = NativeMemory.limit();
    if (total > limit) {
      System.out.printf(
          Locale.ROOT,
          "this machine or container has %.1f MB: use --memory to save memory%n",
          limit / 1e6);
    }
  }
}
