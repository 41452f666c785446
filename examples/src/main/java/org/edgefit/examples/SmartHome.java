package org.edgefit.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
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
import org.edgefit.internal.cli.Launcher;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The paper's setting, scaled down to the bundled model and data: 10 clients with skewed data, 5
 * per round, rank 16 on attention, AdamW, weighted averaging of the adapter deltas.
 */
@Command(
    name = "SmartHome",
    description = {
      "Trains a federation of ten clients with skewed data, and compares the model before and"
          + " after.",
      "",
      "Nothing is downloaded: model and data are bundled. On two cores it takes a minute or two;"
          + " --full takes five to ten."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class SmartHome implements Callable<Integer> {

  private static final Seed SEED = new Seed(42);

  @Option(
      names = "--full",
      description =
          "10 rounds over all task types, with a stronger skew, instead of 3 over sensor events")
  private boolean full;

  @Option(names = "--rounds", paramLabel = "N", description = "rounds (default: 3, or 10 in full)")
  private @Nullable Integer rounds;

  @Option(names = "--compute", description = "${COMPLETION-CANDIDATES} (default: float32)")
  private ComputeType compute = ComputeType.FLOAT32;

  @Option(
      names = "--run-dir",
      paramLabel = "DIR",
      description = "run directory (default: the first free of runs/smart-home-1, 2, …)")
  private @Nullable Path runDirectory;

  private SmartHome() {}

  /** Runs the example. */
  public static void main(String[] args) {
    System.exit(Launcher.execute(new SmartHome(), args));
  }

  /**
   * The size of the example.
   *
   * @param events sensor events, of either class
   * @param commands device commands
   * @param routines routines
   * @param heldOut held-out events
   * @param concentration Dirichlet alpha: smaller is more skewed
   * @param epochs local epochs
   * @param learningRate the peak of the learning rate
   * @param rounds rounds
   */
  private record Scale(
      int events,
      int commands,
      int routines,
      int heldOut,
      double concentration,
      int epochs,
      double learningRate,
      int rounds) {

    static final Scale SHORT = new Scale(1000, 0, 0, 100, 2, 3, 3e-3, 3);
    static final Scale FULL = new Scale(1700, 450, 250, 300, 0.5, 2, 2e-3, 10);

    Scale withRounds(int newRounds) {
      return new Scale(
          events, commands, routines, heldOut, concentration, epochs, learningRate, newRounds);
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Scale scale = full ? Scale.FULL : Scale.SHORT;
    run(
        rounds == null ? scale : scale.withRounds(rounds),
        runDirectory == null ? freshDirectory() : runDirectory);
    return CommandLine.ExitCode.OK;
  }

  private void run(Scale scale, Path directory) throws IOException, InterruptedException {
    // The model is so small that two homes on one core each are faster than one on two.
    TorchEngine.setThreads(1);
    int parallel = Math.min(5, Runtime.getRuntime().availableProcessors());
    Path unpacked = TinyHome.unpack(Files.createTempDirectory("edgefit-"));
    InstructionDataset events = SmartHomeData.heldOutEvents(SEED, scale.heldOut);
    InstructionDataset training =
        Selection.without(events)
            .select(SmartHomeData.training(SEED, scale.events, 0, scale.commands, scale.routines));
    Partition homes =
        Partitioner.dirichlet(scale.concentration, SmartHomeData.SKEW_KEY)
            .split(training, 10, SEED);
    System.out.printf(
        Locale.ROOT,
        "%d records on 10 clients, Dirichlet(%.1f) over task types and classes:%n%s%n",
        training.size(),
        scale.concentration,
        homes.table(SmartHomeData.SKEW_KEY));

    RunSettings settings = RunSettings.defaults().withMaxLength(128);
    Training learning =
        Training.defaults().toBuilder()
            .epochs(scale.epochs)
            .batchSize(8)
            .learningRate(scale.learningRate)
            .scheduleOverRun(LearningRateSchedule.COSINE, 0)
            .build();
    try (BaseModel base = BaseModel.load(unpacked, Quantization.NF4)) {
      List<QloraClient> clients = new ArrayList<>();
      for (int i = 0; i < homes.parts().size(); i++) {
        clients.add(
            new QloraClient("home-" + i, base, homes.parts().get(i))
                .withCompute(ComputeOptions.defaults().withType(compute)));
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
              .runDirectory(directory)
              .listener(RunListener.console())
              .build()
              .run(scale.rounds);
      report(result, base, directory);
    }
  }

  private static Path freshDirectory() {
    for (int i = 1; ; i++) {
      Path candidate = Path.of("runs", "smart-home-" + i);
      if (!Files.exists(candidate)) {
        return candidate;
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

  private static void report(RunResult result, BaseModel base, Path directory) throws IOException {
    Map<String, Double> before = result.history().rounds().get(0).serverMetrics();
    Map<String, Double> after = result.history().last().serverMetrics();
    System.out.printf(Locale.ROOT, "%nheld-out events   accuracy  precision  recall  macro-F1%n");
    row("zero-shot", before);
    row("federated", after);

    long moved = result.history().bytesMoved();
    long transfers = moved / result.adapter().layout().bytes();
    double fullModel = (double) transfers * base.config().parameters() * Float.BYTES;
    System.out.printf(
        Locale.ROOT,
        "%nsent: %.1f MB; federating the full model would send %.1f MB (%.1f times)%n",
        moved / 1e6,
        fullModel / 1e6,
        fullModel / moved);

    Path adapter = directory.resolve("adapter");
    Path plot = directory.resolve("rounds.png");
    RunPlot.write(result.history(), plot);
    System.out.printf(
        Locale.ROOT,
        "run: %s%nplot: %s%nadapter for PEFT: %s%nits SHA-256: %s%n",
        directory,
        plot,
        adapter,
        result.adapterSha256());
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
