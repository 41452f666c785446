package org.edgefit.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.ComputeType;
import org.edgefit.client.model.TorchKernels;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.client.qlora.Evaluator;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partition;
import org.edgefit.data.Partitioner;
import org.edgefit.data.Selection;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;

/**
 * The paper's setting, scaled down to the embedded model and data: 10 homes with skewed data, 5 of
 * them in each round, rank 16 on the attention, AdamW, weighted averaging of the adapters' changes.
 *
 * <p>Arguments, all optional: the run directory, the number of rounds, {@code float32} or {@code
 * bfloat16}.
 */
public final class SmartHome {

  private static final Seed SEED = new Seed(42);

  private SmartHome() {}

  /** Runs the example. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path runDirectory = Path.of(args.length > 0 ? args[0] : freshDirectory());
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 10;
    ComputeType type =
        args.length > 2
            ? ComputeType.valueOf(args[2].toUpperCase(Locale.ROOT))
            : ComputeType.FLOAT32;

    // The model is so small that two homes on one core each are faster than one on two.
    TorchKernels.setThreads(1);
    int parallel = Math.min(5, Runtime.getRuntime().availableProcessors());
    Path unpacked = TinyHome.unpack(Files.createTempDirectory("edgefit-"));
    InstructionDataset events = SmartHomeData.heldOutEvents(SEED, 300);
    InstructionDataset training =
        Selection.without(events).select(SmartHomeData.training(SEED, 1700, 0, 450, 250));
    Partition homes = Partitioner.dirichlet(0.5, SmartHomeData.SKEW_KEY).split(training, 10, SEED);
    System.out.printf(
        "%d records in 10 homes, by Dirichlet(0.5) over kinds of task and classes:%n%s%n",
        training.size(), homes.table(SmartHomeData.SKEW_KEY));

    RunSettings settings = RunSettings.defaults().withMaxLength(128);
    Training learning =
        Training.defaults().toBuilder()
            .epochs(2)
            .batchSize(8)
            .learningRate(2e-3)
            .scheduleOverRun(LearningRateSchedule.COSINE, 0)
            .build();
    try (BaseModel base = BaseModel.load(unpacked, Quantization.NF4)) {
      List<QloraClient> clients = new ArrayList<>();
      for (int i = 0; i < homes.parts().size(); i++) {
        clients.add(
            new QloraClient("home-" + i, base, homes.parts().get(i))
                .withCompute(ComputeOptions.defaults().withType(type)));
      }
      LoraConfig lora = LoraConfig.attention(16);
      RunResult result =
          Federation.builder()
              .strategy(
                  Strategy.fedAvg()
                      .clientsPerRound(5)
                      .evaluator(round -> evaluate(base, round.adapter(), events, settings)))
              .clients(InProcessClients.of(clients).parallel(parallel))
              .adapter(Adapter.initial(lora, base.linearLayers(), SEED.split("adapter")))
              .settings(settings)
              .training(learning)
              .seed(SEED.value())
              .baseModel("tiny-home")
              .runDirectory(runDirectory)
              .listener(RunListener.console())
              .build()
              .run(rounds);
      report(result, base, runDirectory);
    }
  }

  private static String freshDirectory() {
    for (int i = 1; ; i++) {
      Path candidate = Path.of("runs", "smart-home-" + i);
      if (!Files.exists(candidate)) {
        return candidate.toString();
      }
    }
  }

  private static Map<String, Double> evaluate(
      BaseModel base, Adapter adapter, InstructionDataset events, RunSettings settings)
      throws IOException {
    try (Evaluator evaluator = new Evaluator(base, adapter)) {
      return evaluator
          .evaluate(events, SmartHomeData.LABELS, settings, (done, all) -> {})
          .metrics();
    }
  }

  private static void report(RunResult result, BaseModel base, Path runDirectory)
      throws IOException {
    Map<String, Double> before = result.history().rounds().get(0).serverMetrics();
    Map<String, Double> after = result.history().last().serverMetrics();
    System.out.printf("%nheld-out events   accuracy  precision  recall  macro-F1%n");
    row("zero-shot", before);
    row("federated", after);

    long moved = result.history().bytesMoved();
    long transfers = moved / result.adapter().layout().bytes();
    double fullModel = (double) transfers * base.config().parameters() * Float.BYTES;
    System.out.printf(
        Locale.ROOT,
        "%nbytes moved: %.1f MB; federating the full model would move %.1f MB (%.1f times)%n",
        moved / 1e6,
        fullModel / 1e6,
        fullModel / moved);

    Path adapter = runDirectory.resolve("adapter");
    Path plot = runDirectory.resolve("rounds.png");
    RunPlot.write(result.history(), plot);
    System.out.printf(
        "run: %s%nplot: %s%nadapter for PEFT: %s%nits SHA-256: %s%n",
        runDirectory, plot, adapter, result.adapterSha256());
  }

  private static void row(String name, Map<String, Double> metrics) {
    System.out.printf(
        Locale.ROOT,
        "%-17s %8.3f  %9.3f  %6.3f  %8.3f%n",
        name,
        metrics.get("accuracy"),
        metrics.get("precision"),
        metrics.get("recall"),
        metrics.get("f1"));
  }
}
