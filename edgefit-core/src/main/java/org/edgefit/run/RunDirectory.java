package org.edgefit.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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
 * .lock                                      held while a run is at work here
 * </pre>
 *
 * <p>Files appear whole or not at all, so that every finished round can be read whatever stopped
 * the run.
 */
public final class RunDirectory implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RunDirectory.class);
  private static final String MANIFEST = "run.json";
  private static final String METRICS = "metrics.jsonl";

  private final Path path;
  private final FolderLock lock;

  /** Takes a directory, which exists, for this run alone. */
  private RunDirectory(Path path) throws IOException {
    this.path = path;
    this.lock = FolderLock.hold(path);
  }

  /**
   * Makes the directory of a new run, which is the caller's until it is closed.
   *
   * @throws IOException if the path holds a run already, or is not a directory, or another run is
   *     at work there
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
    requireDirectory(path);
    if (Files.exists(path.resolve(MANIFEST)) || Files.exists(path.resolve("rounds"))) {
      throw new IOException(path + ": holds a run already (expected: a new or empty directory)");
    }
  }

  private static void requireDirectory(Path path) throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException(path + ": a file (expected: a directory for the run)");
    }
  }

  /**
   * Opens the directory of a run that goes on, or makes it; it is the caller's until it is closed.
   *
   * @throws IOException if the path is not a directory, or another run is at work there
   */
  public static RunDirectory open(Path path) throws IOException {
    requireDirectory(path);
    Files.createDirectories(path.resolve("rounds"));
    return new RunDirectory(path);
  }

  /** Makes a directory, the caller's until it is closed, that {@link #delete} then removes. */
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

  /** Returns whether a run has begun here: {@code run.json} is there. */
  public boolean hasManifest() {
    return Files.exists(path.resolve(MANIFEST));
  }

  /** Reads {@code run.json}. */
  public ObjectNode manifest() throws IOException {
    return Json.read(path.resolve(MANIFEST));
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
        path.resolve(METRICS),
        (Json.line(row) + "\n").getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /**
   * Returns the rows of the rounds that are finished, up to the last whose adapter is on disk, and
   * drops what came after it.
   *
   * @return the rows in order, the last of them a round's own; empty if not even round 0 is there
   */
  public List<ObjectNode> keepFinishedRounds() throws IOException {
    List<ObjectNode> rows = new ArrayList<>();
    Path file = path.resolve(METRICS);
    int next = 0;
    int finished = 0;
    int kept = 0;
    String text =
        Files.exists(file) ? new String(Files.readAllBytes(file), StandardCharsets.UTF_8) : "";
    for (String line : text.lines().toList()) {
      ObjectNode row;
      try {
        row = Json.parse(line, file.toString());
      } catch (IOException e) {
        break; // the last line of a run that was stopped while it wrote
      }
      if (!row.has("client")) {
        if (row.path("round").asInt() != next) {
          break;
        }
        Path adapter = adapterFile(next);
        next++;
        if (Files.exists(adapter)
            && Sha256.of(adapter).equals(row.path("adapterSha256").asText())) {
          finished = next;
          kept = rows.size() + 1;
        }
      }
      rows.add(row);
    }
    if (kept < rows.size()) {
      log.info(
          "{}: goes on after {} rounds; {} rows later are dropped",
          path,
          finished,
          rows.size() - kept);
    }
    List<ObjectNode> whole = List.copyOf(rows.subList(0, kept));
    StringBuilder lines = new StringBuilder();
    whole.forEach(row -> lines.append(row).append('\n'));
    DurableFiles.write(file, lines.toString());
    for (int later = finished; Files.exists(round(later)); later++) {
      delete(round(later));
    }
    return whole;
  }

  /** Leaves the directory to other runs. */
  @Override
  public void close() throws IOException {
    lock.close();
  }

  /**
   * Deletes the directory and what can be deleted of all that is in it: on some systems a file that
   * is still mapped stays until the system's own cleaning.
   */
  public void delete() {
    delete(path);
  }

  private static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> files = Files.walk(folder)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    } catch (IOException e) {
      log.debug("{}", folder, e);
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
