package org.edgefit.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.ClientId;
import org.edgefit.client.Config;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.AdapterFile;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.format.safetensors.TensorFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that a run leaves on disk.
 *
 * <pre>
 * journal.log                                the event log, a line per event
 * run.json                                   settings, seed, versions, hash of the base model
 * metrics.jsonl                              a row per round and client, and one per round
 * rounds/0000/adapter/                       the adapter that the run started from
 * rounds/0007/updates/home-3.safetensors     a client's delta of round 7
 * rounds/0007/updates/home-5.unused          a rejected upload
 * rounds/0007/evaluations/home-3.safetensors tensors of its evaluation, if it sent some
 * rounds/0007/assigned/                      other tensors that clients were sent, if any
 * rounds/0007/adapter/                       the adapter after round 7, as PEFT loads it
 * rounds/0007/state.safetensors              what the strategy keeps beside it, if anything
 * adapter/                                   the adapter after the last round
 * clients/home-3/                            state of clients in this JVM, if any
 * aside/1/                                   files that a resume moved aside
 * .lock                                      locked while a run is active
 * </pre>
 *
 * <p>Files are written atomically. {@code journal.log} commits them: a round counts once its {@code
 * roundClosed} is logged, with the hashes of its files. {@code run.json} and {@code metrics.jsonl}
 * are views of the log.
 */
public final class RunDirectory implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RunDirectory.class);

  static final String LOG = "journal.log";
  static final String ROUNDS = "rounds";
  static final String FINAL = "adapter";

  static final String SUFFIX = ".safetensors";
  private static final String VALUES = "values";

  private final Path path;
  private final FolderLock lock;
  private final RunRecovery recovered;
  private final RunViews views;
  private final Journal journal;
  private final String runId;
  private long events;

  private RunDirectory(Path path, FolderLock lock, RunRecovery recovered) throws IOException {
    this.path = path;
    this.lock = lock;
    this.recovered = recovered;
    this.views = new RunViews(path);
    SavedRun saved = recovered.saved();
    this.runId = saved.isEmpty() ? UUID.randomUUID().toString() : saved.opened().runId();
    this.events = recovered.kept().lines();
    if (!saved.isEmpty()) {
      views.restore(saved, recovered.goesBack());
    }
    this.journal = Journal.open(path.resolve(LOG), recovered.kept().bytes());
  }

  /**
   * Creates the directory of a new run and locks it until it is closed.
   *
   * @throws IOException if the path holds a run already, or is not a directory, or another run is
   *     at work there
   */
  public static RunDirectory create(Path path) throws IOException {
    requireNew(path);
    return hold(path, OnDamage.REFUSE);
  }

  /**
   * Checks that a path can become a run's directory, without making it.
   *
   * @throws IOException if the path holds a run already, or is not a directory
   */
  public static void requireNew(Path path) throws IOException {
    requireDirectory(path);
    Path log = path.resolve(LOG); // an empty one is of a run that never began
    boolean hasRun = Files.exists(log) && Files.size(log) > 0;
    for (String entry : List.of(RunViews.MANIFEST, RunViews.METRICS, ROUNDS)) {
      hasRun |= Files.exists(path.resolve(entry));
    }
    if (hasRun) {
      throw new IOException(path + ": already has a run (expected: a new or empty directory)");
    }
  }

  private static void requireDirectory(Path path) throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException(path + ": a file (expected: a directory for the run)");
    }
  }

  /**
   * Opens the directory of a resumed run, or creates it, and locks it until it is closed. A torn
   * last log line is truncated.
   *
   * @throws IOException if the path is not a directory, another run is at work there, or the log or
   *     a file of a closed round is corrupt, with {@code REFUSE}
   */
  public static RunDirectory resume(Path path, OnDamage onDamage) throws IOException {
    requireDirectory(path);
    if (!Files.exists(path.resolve(LOG))
        && (Files.exists(path.resolve(RunViews.MANIFEST)) || Files.exists(path.resolve(ROUNDS)))) {
      throw new IOException(
          path.resolve(LOG) + ": missing (expected: the log of the run, needed to resume)");
    }
    return hold(path, onDamage);
  }

  /** Makes a directory, the caller's until it is closed, that {@link #delete} then removes. */
  public static RunDirectory temporary() throws IOException {
    return create(Files.createTempDirectory("edgefit-run-"));
  }

  private static RunDirectory hold(Path path, OnDamage onDamage) throws IOException {
    Files.createDirectories(path);
    FolderLock lock = FolderLock.hold(path);
    try {
      RunRecovery recovered = RunRecovery.of(path, onDamage);
      return new RunDirectory(path, lock, recovered);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /** Returns the directory's path. */
  public Path path() {
    return path;
  }

  /** Returns the run's id, drawn at random when the run began. */
  public String runId() {
    return runId;
  }

  /** Returns what the log held when the directory was opened. */
  public SavedRun saved() {
    return recovered.saved();
  }

  /** Returns the highest task id ever planned here, rolled-back tasks included. */
  public long lastTask() {
    return recovered.lastTask();
  }

  /** Returns what was truncated or moved aside on opening. */
  public List<String> notes() {
    return recovered.notes();
  }

  /**
   * Adds an event to the log: when this returns, it is on disk.
   *
   * @param elapsed for how long the run has been up
   */
  public synchronized void append(RunEvent.Kept event, Duration elapsed) throws IOException {
    ObjectNode json = RunEventCodec.toJson(event);
    json.put("n", events + 1).put("at", Instant.now().toString());
    json.put("elapsedNanos", elapsed.toNanos());
    journal.append(json.toString());
    events++;
    views.add(event);
  }

  static String roundName(int round) {
    return String.format(Locale.ROOT, "%04d", round);
  }

  private Path round(int round) {
    return path.resolve(ROUNDS).resolve(roundName(round));
  }

  /** Returns the PEFT directory of the adapter after a round. */
  public Path adapterDirectory(int round) {
    return round(round).resolve("adapter");
  }

  /** Returns the directory of the adapter that the run ends with. */
  public Path finalAdapterDirectory() {
    return path.resolve(FINAL);
  }

  /** Returns the folder of what clients in this JVM keep. */
  public Path clientsDirectory() {
    return path.resolve("clients");
  }

  /** Returns the file of the tensors that a client answers with. */
  public Path answerFile(int round, PlannedTask.Kind kind, String clientId) {
    String folder = kind == PlannedTask.Kind.FIT ? "updates" : "evaluations";
    return round(round).resolve(folder).resolve(ClientId.require(clientId) + SUFFIX);
  }

  /** Marks a result's file as unused, if it exists, by renaming it. */
  public static void setAside(Path answerFile) throws IOException {
    if (Files.exists(answerFile)) {
      String name = String.valueOf(answerFile.getFileName());
      Path unused =
          answerFile.resolveSibling(name.substring(0, name.length() - SUFFIX.length()) + ".unused");
      Files.move(answerFile, unused, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Returns a file of the run, as its log holds to it. */
  public FileRef refer(Path file) throws IOException {
    return refer(file, Sha256.of(file));
  }

  /** Returns a file of the run whose hash is known, as its log holds to it. */
  public FileRef refer(Path file, String sha256) throws IOException {
    String relative = path.relativize(file).toString().replace('\\', '/');
    return new FileRef(relative, Files.size(file), sha256);
  }

  /** Returns the path of a file that the log holds to. */
  public Path resolve(FileRef file) {
    return path.resolve(file.path());
  }

  /** Returns whether a file matches the log. */
  public boolean isSound(FileRef file) throws IOException {
    return SavedRun.fault(path, file) == null;
  }

  /** Writes the adapter after a round, and returns it mapped from there. */
  public Adapter writeAdapter(int round, Adapter adapter, String baseModel) throws IOException {
    PeftAdapter.write(adapter, adapterDirectory(round), baseModel);
    return AdapterFile.map(adapterFile(round), adapter.config());
  }

  /** Returns the file of an adapter's weights after a round. */
  public Path adapterFile(int round) {
    return adapterDirectory(round).resolve(PeftAdapter.WEIGHTS);
  }

  /** Returns the file of an adapter's config after a round. */
  public Path adapterConfigFile(int round) {
    return adapterDirectory(round).resolve(PeftAdapter.CONFIG);
  }

  /** Writes what the strategy keeps beside the adapter. */
  public void writeState(int round, NamedTensors tensors, Config values) throws IOException {
    TensorFile.write(tensors, Map.of(VALUES, Json.line(values.values())), stateFile(round));
  }

  /** Returns the file of what the strategy keeps beside the adapter after a round. */
  public Path stateFile(int round) {
    return round(round).resolve("state" + SUFFIX);
  }

  /** Returns the values that the strategy keeps, from the file of what it keeps. */
  public Config readValues(FileRef state) throws IOException {
    String text = TensorFile.readTexts(resolve(state)).getOrDefault(VALUES, "{}");
    return Config.of(Json.parse(text, state.path()));
  }

  /** Maps the tensors of a file. */
  public NamedTensors readTensors(FileRef file) throws IOException {
    return TensorFile.read(resolve(file));
  }

  /** Writes tensors that clients are sent in a round; the same tensors are one file. */
  public FileRef writeAssigned(int round, NamedTensors tensors) throws IOException {
    Path folder = round(round).resolve("assigned");
    Path file = folder.resolve("new" + SUFFIX);
    TensorFile.write(tensors, file);
    return named(file);
  }

  /** Writes an adapter that clients are sent in a round; the same weights are one file. */
  public FileRef writeAssigned(int round, Adapter adapter) throws IOException {
    Path folder = round(round).resolve("assigned");
    Path file = folder.resolve("new" + SUFFIX);
    AdapterFile.write(adapter, file);
    return named(file);
  }

  /** Gives a file its hash as its name. */
  private FileRef named(Path file) throws IOException {
    String sha256 = Sha256.of(file);
    Path named = file.resolveSibling(sha256 + SUFFIX);
    Files.move(file, named, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return refer(named, sha256);
  }

  /** Maps an adapter. */
  public Adapter readAdapter(FileRef file, LoraConfig config) throws IOException {
    return AdapterFile.map(resolve(file), config);
  }

  /** Writes the adapter that the run ends with, where it is found without counting rounds. */
  public void writeFinalAdapter(Adapter adapter, String baseModel) throws IOException {
    Path weights = finalAdapterDirectory().resolve(PeftAdapter.WEIGHTS);
    RunEvent.RunClosed closed = saved().closed();
    if (closed != null
        && closed.end() == RunEvent.End.DONE
        && Files.exists(weights)
        && !Sha256.of(weights).equals(closed.adapterSha256())) {
      String aside = RunRecovery.aside(path);
      Files.move(
          finalAdapterDirectory(),
          path.resolve(aside).resolve(FINAL),
          StandardCopyOption.ATOMIC_MOVE);
      log.warn("{}: differs from the log; rewritten, the old file is in {}", weights, aside);
    }
    Files.createDirectories(finalAdapterDirectory());
    PeftAdapter.write(adapter, finalAdapterDirectory(), baseModel);
  }

  /** Releases the directory's lock. */
  @Override
  public void close() throws IOException {
    try {
      journal.close();
    } finally {
      lock.close();
    }
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
