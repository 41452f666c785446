package org.edgefit.examples.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.ComputeProbe;
import org.edgefit.client.model.ComputeType;
import org.edgefit.client.model.TorchKernels;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.format.DurableFiles;
import org.edgefit.format.FolderLock;
import org.edgefit.format.Json;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
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
      "An experiment that was interrupted goes on where it was: a procedure, a client alone, or a"
          + " round that is there already is not run again."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class PaperExperiment implements Callable<Integer> {

  @Parameters(paramLabel = "CONFIG.yaml", description = "what to do; see docs/experiment.md")
  private Path file = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "a setting that is to be otherwise, as in --set federated.rounds=3")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--plan",
      description = "print what training takes of each tier's memory, and end")
  private boolean plan;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "the experiment's folder (default: runs/NAME)")
  private Path out = Path.of("");

  private static final String CONFIG = "config.json";
  private static final String COMPUTE = "compute.json";

  private PaperExperiment() {}

  /** Runs the experiment. */
  public static void main(String[] args) {
    System.exit(
        new CommandLine(new PaperExperiment())
            .setExecutionExceptionHandler(
                (e, command, parsed) -> {
                  if (e instanceof UncheckedIOException) {
                    Throwable cause = e.getCause();
                    command
                        .getErr()
                        .println("PaperExperiment: " + (cause == null ? e : cause).getMessage());
                    return CommandLine.ExitCode.SOFTWARE;
                  }
                  if (e instanceof IOException || e instanceof IllegalArgumentException) {
                    boolean isBare =
                        e instanceof NoSuchFileException file && file.getReason() == null;
                    String reason =
                        isBare && !String.valueOf(e.getMessage()).contains(": ")
                            ? ": no such file"
                            : "";
                    command.getErr().println("PaperExperiment: " + e.getMessage() + reason);
                    return e instanceof IOException
                        ? CommandLine.ExitCode.SOFTWARE
                        : CommandLine.ExitCode.USAGE;
                  }
                  throw e;
                })
            .execute(args));
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
    Path folder = out.toString().isEmpty() ? Path.of("runs", config.name()) : out;
    Files.createDirectories(folder);
    FolderLock lock = FolderLock.hold(folder);
    try (lock) {
      run(config, tiers, folder);
    }
    return 0;
  }

  private static void run(ExperimentConfig config, Map<String, Tiers> tiers, Path folder)
      throws IOException, InterruptedException {
    boolean hasResults = hasResults(folder);
    ObjectNode resolved = checkedConfig(config, folder);
    DurableFiles.write(folder.resolve(CONFIG), resolved.toPrettyString() + "\n");
    int threads = config.machine().threads();
    TorchKernels.setThreads(threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);

    ExperimentReport report = new ExperimentReport(config, tiers);
    for (long seed : config.seeds()) {
      Path records = folder.resolve("seed-" + seed);
      Files.createDirectories(records);
      ExperimentData data = ExperimentData.load(config, records, new Seed(seed), hasResults);
      data.notes().forEach((source, note) -> System.out.println(source + "\n" + note));
      report.data(seed, data);
      for (Map.Entry<String, Tiers> each : tiers.entrySet()) {
        String model = each.getKey();
        Path own = trialFolder(folder, seed, model);
        Files.createDirectories(own);
        run(
            config,
            model,
            each.getValue(),
            data,
            own,
            new Seed(seed),
            results -> {
              report.results(model, seed, results);
              report.write(folder);
            });
      }
    }
    report.memory(MeasuredMemory.of(config, folder));
    report.write(folder);
    System.out.println("report: " + folder.resolve("report.html"));
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
        config.training().maxLength());
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

  /** Is told after each procedure what there is so far. */
  private interface Progress {
    void finished(Map<Procedure, List<Measured>> results) throws IOException;
  }

  /**
   * Holds the configuration to that of the folder, but for how it is computed, once anything has
   * come of that.
   *
   * @return what is to be saved there
   */
  private static ObjectNode checkedConfig(ExperimentConfig config, Path folder) throws IOException {
    ObjectNode resolved = Json.parse(Json.tree(config).toString(), "configuration");
    Path saved = folder.resolve(CONFIG);
    if (Files.exists(saved) && hasResults(folder)) {
      ObjectNode before = Json.read(saved);
      before.remove("machine");
      ObjectNode now = resolved.deepCopy();
      now.remove("machine");
      List<String> differences = new ArrayList<>();
      compare("", before, now, differences);
      if (!differences.isEmpty()) {
        throw otherExperiment(folder, String.join("; ", differences));
      }
      requireSameCompute(config, folder);
    }
    return resolved;
  }

  private static IOException otherExperiment(Path folder, String differences) {
    return new IOException(
        folder
            + ": has results of another experiment (another one wants another --out): "
            + differences);
  }

  /** Returns whether a folder has more than what a run leaves before its first result. */
  private static boolean hasResults(Path folder) throws IOException {
    Set<String> before =
        Set.of(
            FolderLock.FILE, CONFIG, COMPUTE, "training.jsonl", "validation.jsonl", "test.jsonl");
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> String.valueOf(file.getFileName()))
          .anyMatch(name -> !before.contains(name));
    }
  }

  /** Adds where two configurations differ, and how. */
  private static void compare(String where, JsonNode before, JsonNode now, List<String> all) {
    if (!before.isObject() || !now.isObject()) {
      if (!before.equals(now)) {
        all.add(where.substring(1) + ": " + before + " there, " + now + " here");
      }
      return;
    }
    TreeSet<String> keys = new TreeSet<>();
    before.fieldNames().forEachRemaining(keys::add);
    now.fieldNames().forEachRemaining(keys::add);
    keys.forEach(key -> compare(where + "." + key, before.path(key), now.path(key), all));
  }

  private static void run(
      ExperimentConfig config,
      String model,
      Tiers tiers,
      ExperimentData data,
      Path folder,
      Seed seed,
      Progress progress)
      throws IOException, InterruptedException {
    Map<Procedure, List<Measured>> results = new EnumMap<>(Procedure.class);
    try (BaseModel base = BaseModels.load(model, config.training().quantization())) {
      base.config().requireLength(config.training().maxLength());
      Trial trial =
          new Trial(config, base, model, tiers, compute(config, base, folder), data, folder, seed);
      trial.requireLearnable();
      for (Procedure procedure : config.procedures()) {
        results.put(procedure, trial.run(procedure));
        progress.finished(results);
      }
    }
  }

  /**
   * Holds the compute type, where it is given, to that of the trials that a folder has results of.
   */
  private static void requireSameCompute(ExperimentConfig config, Path folder) throws IOException {
    ExperimentConfig.Compute wanted = config.machine().compute();
    for (long seed : config.seeds()) {
      for (String model : config.models()) {
        ComputeType before = computeOfResults(trialFolder(folder, seed, model));
        if (before != null
            && wanted != ExperimentConfig.Compute.AUTO
            && before != config.machine().fixedType()) {
          throw otherExperiment(
              folder,
              "machine.compute: "
                  + Section.spelled(before)
                  + " there, "
                  + Section.spelled(wanted)
                  + " here");
        }
      }
    }
  }

  private static Path trialFolder(Path folder, long seed, String model) {
    return folder.resolve("seed-" + seed).resolve(BaseModels.folder(model));
  }

  /** Returns the type with which a trial's results were computed, or null if there are none. */
  private static @Nullable ComputeType computeOfResults(Path trial) throws IOException {
    Path file = trial.resolve(COMPUTE);
    return Files.exists(file) && hasResults(trial)
        ? ComputeType.valueOf(Json.read(file).path("type").asText())
        : null;
  }

  /** Returns the type of a trial: that which it began with, once anything has come of it. */
  private static ComputeOptions compute(ExperimentConfig config, BaseModel base, Path folder)
      throws IOException {
    ComputeType before = computeOfResults(folder);
    ComputeType type =
        config.machine().compute() != ExperimentConfig.Compute.AUTO
            ? config.machine().fixedType()
            : before != null ? before : ComputeProbe.measure(base.config(), base.device()).choice();
    DurableFiles.write(folder.resolve(COMPUTE), Json.object().put("type", type.name()) + "\n");
    System.out.println("compute: " + Section.spelled(type));
    return ComputeOptions.defaults().withType(type);
  }
}
