package org.edgefit.examples.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.run.FolderLock;
import org.jspecify.annotations.Nullable;

/**
 * The folder of an experiment, locked by one run at a time. It checks a new configuration against
 * what it has: results fix all of it but {@code machine}'s threads and parallel clients, a
 * Self-Instruct journal fixes {@code data}.
 */
final class ExperimentFolder implements AutoCloseable {

  /** The journal of the records that a teacher writes. */
  static final String JOURNAL = "self-instruct.jsonl";

  private static final String CONFIG = "config.json";
  private static final String COMPUTE = "compute.json";

  /** What a run leaves before its first result. */
  private static final Set<String> BEFORE_RESULTS =
      Set.of(
          FolderLock.FILE,
          CONFIG,
          COMPUTE,
          JOURNAL,
          "training.jsonl",
          "validation.jsonl",
          "test.jsonl");

  private final Path path;
  private final FolderLock lock;

  private ExperimentFolder(Path path, FolderLock lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Opens a folder, or makes it, for a configuration, and saves that there.
   *
   * @throws IOException if another run is at work there, or the folder has something of another
   *     configuration
   */
  static ExperimentFolder open(Path path, ExperimentConfig config) throws IOException {
    Files.createDirectories(path);
    ExperimentFolder folder = new ExperimentFolder(path, FolderLock.hold(path));
    try {
      folder.save(config);
      return folder;
    } catch (IOException | RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  private void save(ExperimentConfig config) throws IOException {
    ObjectNode now = Json.parse(Json.tree(config).toString(), "configuration");
    Path file = path.resolve(CONFIG);
    if (Files.exists(file)) {
      List<String> differences = new ArrayList<>();
      if (hasResults()) {
        compare("", withoutMachine(Json.read(file)), withoutMachine(now), differences);
        addOtherCompute(config, differences);
      } else if (files(path).contains(JOURNAL)) {
        compare(".data", Json.read(file).path("data"), now.path("data"), differences);
      }
      if (!differences.isEmpty()) {
        throw new IOException(
            path
                + ": has results of another experiment (expected: another --out): "
                + String.join("; ", differences));
      }
    }
    DurableFiles.write(file, now.toPrettyString() + "\n");
  }

  private static ObjectNode withoutMachine(ObjectNode config) {
    ObjectNode copy = config.deepCopy();
    copy.remove("machine");
    return copy;
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

  /** Adds the trials whose results were computed with another type than is given now. */
  private void addOtherCompute(ExperimentConfig config, List<String> all) throws IOException {
    if (config.machine().compute() == ExperimentConfig.Compute.AUTO) {
      return;
    }
    ComputeType now = config.machine().fixedType();
    for (long seed : config.seeds()) {
      for (String model : config.models()) {
        ComputeType before = computeOfResults(seed, model);
        if (before != null && before != now) {
          all.add(
              "machine.compute: "
                  + Section.spelled(before)
                  + " there, "
                  + Section.spelled(now)
                  + " here");
        }
      }
    }
  }

  /** Returns the names of all files in a folder, but for those that were not written whole. */
  private static List<String> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> !name.endsWith(DurableFiles.PART))
          .toList();
    }
  }

  /** Returns whether a procedure has come to anything here. */
  boolean hasResults() throws IOException {
    return hasResults(path);
  }

  private static boolean hasResults(Path folder) throws IOException {
    return !BEFORE_RESULTS.containsAll(files(folder));
  }

  /** Returns the folder itself. */
  Path path() {
    return path;
  }

  private Path seedPath(long seed) {
    return path.resolve("seed-" + seed);
  }

  private Path trialPath(long seed, String model) {
    return seedPath(seed).resolve(BaseModels.folder(model));
  }

  /** Returns the folder of a seed's records, which exists. */
  Path seed(long seed) throws IOException {
    return Files.createDirectories(seedPath(seed));
  }

  /** Returns the folder of a model's results with a seed, which exists. */
  Path trial(long seed, String model) throws IOException {
    return Files.createDirectories(trialPath(seed, model));
  }

  /** Returns the type with which a trial's results were computed, or null if there are none. */
  @Nullable ComputeType computeOfResults(long seed, String model) throws IOException {
    Path trial = trialPath(seed, model);
    Path file = trial.resolve(COMPUTE);
    return Files.exists(file) && hasResults(trial)
        ? ComputeType.valueOf(Json.read(file).path("type").asText())
        : null;
  }

  /** Saves the type with which a trial is computed. */
  void saveCompute(long seed, String model, ComputeType type) throws IOException {
    DurableFiles.write(
        trial(seed, model).resolve(COMPUTE), Json.object().put("type", type.name()) + "\n");
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
