package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.internal.cli.Launcher;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The paper's experiment: zero-shot, local-only, centralised and federated, compared. */
@Command(
    name = "PaperExperiment",
    description = {
      "Runs the experiment of a YAML file, and writes report.html, report.md, tables.json,"
          + " numbers.json and numbers.csv.",
      "",
      "An interrupted experiment resumes where it was: finished procedures, local-only clients and"
          + " rounds are not run again."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PaperExperiment implements Callable<Integer> {

  @Parameters(paramLabel = "CONFIG.yaml", description = "settings; see docs/experiment.md")
  private Path file = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "override a setting, as in --set federated.rounds=3")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(names = "--plan", description = "print training memory per tier and exit")
  private boolean plan;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "the experiment's folder (default: runs/NAME)")
  private Path out = Path.of("");

  private PaperExperiment() {}

  /** Runs the experiment. */
  public static void main(String[] args) {
    System.exit(Launcher.execute(new PaperExperiment(), args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    ExperimentConfig config = ExperimentConfig.read(file, settings);
    Map<String, Tiers> tiers = new LinkedHashMap<>();
    for (String model : config.models()) {
      tiers.put(model, Tiers.of(config, model, BaseModels.config(model)));
    }
    requireFolders(config.models());
    for (ExperimentConfig.Tier tier : config.tiers()) {
      if (!tier.models().isEmpty() && Collections.disjoint(tier.models(), config.models())) {
        System.out.println(
            "tiers." + tier.name() + ": none of its models is run: " + tier.models());
      }
    }
    if (plan) {
      print(config, tiers);
      return 0;
    }
    Path path = out.toString().isEmpty() ? Path.of("runs", config.name()) : out;
    try (ExperimentFolder folder = ExperimentFolder.open(path, config)) {
      run(config, tiers, folder);
    }
    return 0;
  }

  private static void run(
      ExperimentConfig config, Map<String, Tiers> tiers, ExperimentFolder folder)
      throws IOException, InterruptedException {
    boolean hasResults = folder.hasResults();
    int threads = config.machine().threads();
    TorchEngine.setThreads(threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);

    ExperimentReport report = new ExperimentReport(config, tiers);
    for (long seed : config.seeds()) {
      ExperimentData data =
          ExperimentData.load(config, folder.seed(seed), new Seed(seed), hasResults);
      data.notes().forEach((source, note) -> System.out.println(source + "\n" + note));
      report.data(seed, data);
      for (Map.Entry<String, Tiers> each : tiers.entrySet()) {
        run(config, each.getKey(), each.getValue(), data, folder, seed, report);
      }
    }
    report.memory(MeasuredMemory.of(config, folder.path()));
    report.write(folder.path());
    System.out.println("report: " + folder.path().resolve("report.html"));
  }

  /** Holds models to names that differ as folders. */
  private static void requireFolders(List<String> models) {
    Map<String, String> folders = new HashMap<>();
    for (String model : models) {
      String other = folders.put(BaseModels.folder(model), model);
      if (other != null) {
        throw new IllegalArgumentException(
            "models: " + other + ", " + model + " (expected: names that end differently)");
      }
    }
  }

  private static void print(ExperimentConfig config, Map<String, Tiers> tiers) {
    System.out.printf(
        Locale.ROOT,
        "%d records of at most %d tokens in a forward pass%n",
        config.training().batchSize(),
        config.run().maxLength());
    tiers.forEach(
        (model, of) -> {
          if (of.fits().isEmpty()) {
            System.out.printf(
                Locale.ROOT,
                "%s: %.1f GB, all layers keep their activations%n",
                model,
                of.unlimitedBytes() / 1e9);
          }
          of.fits()
              .forEach(
                  fit ->
                      System.out.printf(
                          Locale.ROOT,
                          "%s on %s (%s): %.1f of %.1f GB, %d of %d layers keep their"
                              + " activations%n",
                          model,
                          fit.tier().name(),
                          fit.tier().device().name(),
                          fit.bytes() / 1e9,
                          fit.tier().device().memoryBytes() / 1e9,
                          fit.layersKept(),
                          fit.layers()));
        });
  }

  private static void run(
      ExperimentConfig config,
      String model,
      Tiers tiers,
      ExperimentData data,
      ExperimentFolder folder,
      long seed,
      ExperimentReport report)
      throws IOException, InterruptedException {
    Map<Procedure, List<Measured>> results = new EnumMap<>(Procedure.class);
    try (BaseModel base = BaseModels.load(model, config.run().quantization())) {
      base.config().requireLength(config.run().maxLength());
      ComputeOptions compute = compute(config, base, folder.computeOfResults(seed, model));
      folder.saveCompute(seed, model, compute.type());
      Path own = folder.trial(seed, model);
      Trial trial = new Trial(config, base, model, tiers, compute, data, own, new Seed(seed));
      trial.requireLearnable();
      for (Procedure procedure : config.procedures()) {
        results.put(procedure, trial.run(procedure));
        report.results(model, seed, results);
        report.write(folder.path());
      }
    }
  }

  /** Returns the type of a trial: that which it began with, once anything has come of it. */
  private static ComputeOptions compute(
      ExperimentConfig config, BaseModel base, @Nullable ComputeType before) {
    ComputeType type =
        config.machine().compute() != ExperimentConfig.Compute.AUTO
            ? config.machine().fixedType()
            : before != null ? before : ComputeProbe.measure(base.config(), base.device()).choice();
    try {
      ComputeProbe.require(type, base.device());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("machine." + e.getMessage(), e);
    }
    System.out.println("compute: " + Section.spelled(type));
    return ComputeOptions.defaults().withType(type);
  }
}
