package org.edgefit.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.client.TaskId;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.jspecify.annotations.Nullable;

/** A run's state as folded from its log, from which a stopped run resumes. */
public final class SavedRun {

  /** An event with its line in the log. */
  private record Line(int number, long end, RunEvent.Kept event) {}

  private final List<Line> lines = new ArrayList<>();
  private final List<RoundSummary> rounds = new ArrayList<>();
  private final Map<TaskId, PlannedTask> unfinished = new LinkedHashMap<>();
  private final NavigableMap<TaskId, PlannedTask> tasks = new TreeMap<>();
  private final Map<TaskId, Duration> asked = new TreeMap<>();
  private final List<Outcome> outcomes = new ArrayList<>();
  private final Map<String, NavigableMap<TaskId, Integer>> memories = new TreeMap<>();
  private RunEvent.@Nullable RunOpened opened;
  private RunEvent.@Nullable RoundOpened openRound;
  private RunEvent.@Nullable EvaluationOpened openEvaluation;
  private RunEvent.@Nullable RunClosed closed;
  private @Nullable String fault;
  private Duration elapsed = Duration.ZERO;

  SavedRun() {}

  /**
   * Reads lines of a log, up to the first that is no event or out of its place; see {@link #fault}.
   *
   * @throws IOException if the log is of another format
   */
  static SavedRun read(Path log, List<String> texts) throws IOException {
    SavedRun saved = new SavedRun();
    long end = 0;
    for (int i = 0; i < texts.size(); i++) {
      String where = log.getFileName() + ":" + (i + 1);
      try {
        ObjectNode json = Json.parse(texts.get(i), where);
        if (json.path("n").asLong() != i + 1) {
          throw new IllegalArgumentException(
              "event " + json.path("n") + " (expected: event " + (i + 1) + ")");
        }
        RunEvent.Kept event = RunEventCodec.fromJson(json);
        Duration before = saved.elapsed;
        saved.elapsed = Duration.ofNanos(json.path("elapsedNanos").asLong());
        try {
          saved.add(new Line(i + 1, end + Journal.bytesOf(texts.get(i)), event));
        } catch (IllegalArgumentException e) {
          saved.elapsed = before;
          throw e;
        }
        end += Journal.bytesOf(texts.get(i));
      } catch (IOException | IllegalArgumentException e) {
        saved.fault = where + ": " + e.getMessage();
        if (i == 0) {
          throw new IOException(saved.fault, e);
        }
        break;
      }
    }
    return saved;
  }

  /** Returns what is wrong with the first line that was not taken in; null if all were. */
  @Nullable String fault() {
    return fault;
  }

  /** Returns how many lines were taken in, and how many bytes they take. */
  Prefix whole() {
    return lines.isEmpty()
        ? new Prefix(0, 0)
        : new Prefix(lines.size(), lines.get(lines.size() - 1).end());
  }

  private void add(Line line) {
    RunEvent.Kept event = line.event();
    if ((opened == null) != (event instanceof RunEvent.RunOpened)) {
      throw new IllegalArgumentException("runOpened must be the first event, and only that");
    }
    lines.add(line);
    closed = null;
    if (event instanceof RunEvent.RunOpened first) {
      opened = first;
    } else if (event instanceof RunEvent.RoundOpened round) {
      requireNext(round.round());
      openRound = round;
      round.tasks().forEach(this::plan);
    } else if (event instanceof RunEvent.EvaluationOpened evaluation) {
      requireNext(evaluation.round());
      openEvaluation = evaluation;
      evaluation.tasks().forEach(this::plan);
    } else if (event instanceof RunEvent.TaskAsked ask) {
      asked.put(ask.task(), elapsed);
    } else if (event instanceof RunEvent.ClientFinished finished) {
      finish(finished.round(), finished.outcome());
    } else if (event instanceof RunEvent.RoundClosed round) {
      requireNext(round.summary().round());
      rounds.add(round.summary());
      openRound = null;
      openEvaluation = null;
      RoundSummary summary = round.summary();
      outcomes.removeAll(summary.clients());
      outcomes.removeAll(summary.evaluations());
      unfinished.keySet().retainAll(asked.keySet()); // what was planned only, is dropped
    } else if (event instanceof RunEvent.RunClosed end) {
      closed = end;
    }
  }

  private void requireNext(int round) {
    if (round != rounds.size()) {
      throw new IllegalArgumentException("round " + round + " (expected: " + rounds.size() + ")");
    }
  }

  private void plan(PlannedTask task) {
    unfinished.put(task.id(), task);
    tasks.put(task.id(), task);
  }

  private void finish(int round, Outcome outcome) {
    if (unfinished.remove(outcome.task()) == null) {
      throw new IllegalArgumentException("task " + outcome.task() + " ended, but was not open");
    }
    outcomes.add(outcome);
    if (outcome instanceof Outcome.Trained trained && trained.keepsMemory()) {
      memories
          .computeIfAbsent(trained.clientId(), id -> new TreeMap<>())
          .put(trained.task(), round);
    }
  }

  /** Returns how the run was opened. */
  public RunEvent.RunOpened opened() {
    if (opened == null) {
      throw new IllegalStateException("the run was not opened");
    }
    return opened;
  }

  /** Returns whether nothing was written of the run yet. */
  public boolean isEmpty() {
    return opened == null;
  }

  /** Returns the rounds that are closed. */
  public List<RoundSummary> rounds() {
    return List.copyOf(rounds);
  }

  /** Returns the opening of the round that is not closed, or null. */
  public RunEvent.@Nullable RoundOpened openRound() {
    return openRound;
  }

  /** Returns the opening of the evaluation of the round that is not closed, or null. */
  public RunEvent.@Nullable EvaluationOpened openEvaluation() {
    return openEvaluation;
  }

  /** Returns the tasks that have not ended, in the order in which they were planned. */
  public List<PlannedTask> unfinished() {
    return List.copyOf(unfinished.values());
  }

  /** Returns the run's uptime when a task was sent; null if it was not sent. */
  public @Nullable Duration asked(TaskId task) {
    return asked.get(task);
  }

  /** Returns the outcomes that no closed round consumed, in log order. */
  public List<Outcome> outcomes() {
    return List.copyOf(outcomes);
  }

  /** Returns a task that was planned. */
  public PlannedTask task(TaskId id) {
    PlannedTask task = tasks.get(id);
    if (task == null) {
      throw new IllegalArgumentException("task: " + id + " (expected: a planned one)");
    }
    return task;
  }

  /** Returns all tasks that were planned. */
  Collection<PlannedTask> tasks() {
    return tasks.values();
  }

  /** Returns how many tasks have been planned. */
  public long lastTask() {
    return tasks.isEmpty() ? 0 : tasks.lastKey().number();
  }

  /** Returns each client's state versions, with the rounds in which their tasks ended. */
  public Map<String, NavigableMap<TaskId, Integer>> memories() {
    return memories;
  }

  /** Returns the run's uptime. */
  public Duration elapsed() {
    return elapsed;
  }

  /** Returns how the run ended; null if it was killed, or is under way. */
  public RunEvent.@Nullable RunClosed closed() {
    return closed;
  }

  /** Returns the events in order. */
  List<RunEvent.Kept> events() {
    return lines.stream().map(Line::event).toList();
  }

  /** Returns how many lines lead to the close of a round, and how many bytes they take. */
  Prefix upTo(int round) {
    for (Line line : lines) {
      if (line.event() instanceof RunEvent.RoundClosed closing
          && closing.summary().round() == round) {
        return new Prefix(line.number(), line.end());
      }
    }
    throw new IllegalArgumentException("round: " + round + " (expected: a closed one)");
  }

  /** The first lines of a log. */
  record Prefix(int lines, long bytes) {}

  /** What is wrong with a round, closed or open. */
  record Damage(int round, String text) {}

  /** Returns the first round of which a file is missing or altered, or null. */
  @Nullable Damage damage(Path directory) throws IOException {
    Set<FileRef> sound = new HashSet<>(); // a file that many tasks start from is read once
    for (Line line : lines) {
      int round = roundOf(line.event());
      List<FileRef> files = filesOf(line.event());
      for (FileRef file : files) {
        String found = sound.add(file) ? fault(directory, file) : null;
        if (found != null) {
          return new Damage(
              Math.min(round, rounds.size()),
              found + ", as journal.log:" + line.number() + " says)");
        }
      }
    }
    return null;
  }

  private int roundOf(RunEvent.Kept event) {
    if (event instanceof RunEvent.RoundClosed closing) {
      return closing.summary().round();
    } else if (event instanceof RunEvent.RoundOpened opening) {
      return opening.round();
    } else if (event instanceof RunEvent.EvaluationOpened opening) {
      return opening.round();
    }
    return event instanceof RunEvent.ClientFinished finished ? finished.round() : rounds.size();
  }

  private static List<FileRef> filesOf(RunEvent.Kept event) {
    List<FileRef> files = new ArrayList<>();
    if (event instanceof RunEvent.RoundClosed closing) {
      RoundSummary summary = closing.summary();
      files.add(summary.adapter());
      files.add(summary.adapterConfig());
      if (summary.state() != null) {
        files.add(summary.state());
      }
    } else if (event instanceof RunEvent.RoundOpened opening) {
      opening.tasks().forEach(task -> addFiles(task, files));
    } else if (event instanceof RunEvent.EvaluationOpened opening) {
      opening.tasks().forEach(task -> addFiles(task, files));
    } else if (event instanceof RunEvent.ClientFinished finished) {
      if (finished.outcome() instanceof Outcome.Trained trained) {
        files.add(trained.update());
      } else if (finished.outcome() instanceof Outcome.Evaluated evaluated
          && evaluated.update() != null) {
        files.add(evaluated.update());
      }
    }
    return files;
  }

  /** Returns the files that the log holds to, by their paths in the directory. */
  Set<String> files() {
    Set<String> paths = new HashSet<>();
    for (Line line : lines) {
      filesOf(line.event()).forEach(file -> paths.add(file.path()));
    }
    return paths;
  }

  private static void addFiles(PlannedTask task, List<FileRef> files) {
    files.add(task.adapter());
    if (task.tensors() != null) {
      files.add(task.tensors());
    }
  }

  /** Returns what is wrong with a file, up to a closing parenthesis, or null. */
  static @Nullable String fault(Path directory, FileRef file) throws IOException {
    Path path = directory.resolve(file.path());
    if (!Files.isRegularFile(path)) {
      return path + ": missing (expected: " + file.bytes() + " bytes";
    }
    if (Files.size(path) != file.bytes()) {
      return path + ": " + Files.size(path) + " bytes (expected: " + file.bytes();
    }
    String actual = Sha256.of(path);
    return actual.equals(file.sha256())
        ? null
        : path + ": SHA-256 " + actual + " (expected: " + file.sha256();
  }
}
