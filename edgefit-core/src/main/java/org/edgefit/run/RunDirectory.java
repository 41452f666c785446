package org.edgefit.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.format.DurableFiles;
import org.edgefit.format.Json;
import org.edgefit.format.PeftAdapter;
import org.edgefit.format.Sha256;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that a run leaves on disk.
 *
 * <pre>
 * run.json                                   settings, seed, versions, hash of the base model
 * metrics.jsonl                              one row per round and client, and one per round
 * rounds/0000/adapter/                       the adapter that the run started from
 * rounds/0007/updates/home-3.safetensors     what a client learned in round 7
 * rounds/0007/adapter/                       the adapter after round 7, as PEFT loads it
 * adapter/                                   the adapter after the last round
 * </pre>
 *
 * <p>Files appear whole or not at all, so that every finished round can be read whatever stopped
 * the run.
 */
public final class RunDirectory {

  private static final Logger log = LoggerFactory.getLogger(RunDirectory.class);
  private static final String MANIFEST = "run.json";

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /**
   * Makes the directory of a new run.
   *
   * @throws IOException if the path holds a run already, or is not a directory
   */
  public static RunDirectory create(Path path) throws IOException {
    requireNew(path);
    Files.createDirectories(path.resolve("rounds"));
    return new RunDirectory(path);
  }

  /**
   * Checks that a path can become a run's directory, without making it.
   *
   * @throws IOException if the path holds a run already, or is not a directory
   */
  public static void requireNew(Path path) throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException(path + ": a file (expected: a directory for the run)");
    }
    if (Files.exists(path.resolve(MANIFEST)) || Files.exists(path.resolve("rounds"))) {
      throw new IOException(path + ": holds a run already (expected: a new or empty directory)");
    }
  }

  /** Makes a directory that {@link #delete} removes. */
  public static RunDirectory temporary() throws IOException {
    return create(Files.createTempDirectory("edgefit-run-"));
  }

  /** Returns the directory's path. */
  public Path path() {
    return path;
  }

  /** Writes {@code run.json}. */
  public void writeManifest(ObjectNode manifest) throws IOException {
    DurableFiles.write(path.resolve(MANIFEST), Json.indented(manifest));
  }

  private Path round(int round) {
    return path.resolve("rounds").resolve(String.format("%04d", round));
  }

  /** Returns the folder of a round's updates, which exists. */
  public Path updates(int round) throws IOException {
    return Files.createDirectories(round(round).resolve("updates"));
  }

  /** Returns the PEFT directory of the adapter after a round. */
  public Path adapterDirectory(int round) {
    return round(round).resolve("adapter");
  }

  /** Returns the weights' file of the adapter after a round. */
  public Path adapterFile(int round) {
    return adapterDirectory(round).resolve(PeftAdapter.WEIGHTS);
  }

  /**
   * Writes the adapter after a round.
   *
   * @return the SHA-256 of its weights' file
   */
  public String writeAdapter(int round, Adapter adapter, String baseModel) throws IOException {
    PeftAdapter.write(adapter, adapterDirectory(round), baseModel);
    return Sha256.of(adapterFile(round));
  }

  /** Writes the adapter that the run ends with, where it is found without counting rounds. */
  public void writeFinalAdapter(Adapter adapter, String baseModel) throws IOException {
    PeftAdapter.write(adapter, path.resolve("adapter"), baseModel);
  }

  /** Appends a row to {@code metrics.jsonl}. */
  public void appendMetrics(Map<String, Object> row) throws IOException {
    Files.write(
        path.resolve("metrics.jsonl"),
        (Json.line(row) + "\n").getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /**
   * Deletes the directory and what can be deleted of all that is in it: on some systems a file that
   * is still mapped stays until the system's own cleaning.
   */
  public void delete() {
    List<Path> all;
    try (Stream<Path> files = Files.walk(path)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    } catch (IOException e) {
      log.debug("{}", path, e);
      return;
    }
    for (Path file : all) {
      try {
        Files.delete(file);
      } catch (IOException e) {
        log.debug("{}", file, e);
      }
    }
  }
}
