package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.ClientText;
import org.edgefit.client.TaskId;
import org.edgefit.format.peft.AdapterFile;
import org.edgefit.random.Seed;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.PlannedTask.Kind;
import org.edgefit.run.RunDirectory;
import org.edgefit.strategy.Assignment;
import org.edgefit.strategy.Needs;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundPlan;

/**
 * Turns a strategy's plan into tasks: assigns ids, writes the files to send, and queues tasks that
 * are not yet sent.
 */
final class TaskPlanner {

  /** Bytes of an answer beside the values of its tensors. */
  private static final int HEADER_BYTES = 64 << 10;

  private static final int HEADER_BYTES_PER_TENSOR = 200;

  private final Federation federation;
  private final int rounds;
  private final RunDirectory directory;
  private final MemoryVersions memories;
  private final Supplier<Duration> now;
  private final Task.Completion completion;
  private final Map<TaskId, PlannedTask> planned = new TreeMap<>();
  private final Map<TaskId, AtomicLong> fetched = new TreeMap<>();
  private final List<PlannedTask> notAsked = new ArrayList<>();
  private long lastTask;

  TaskPlanner(
      Federation federation,
      int rounds,
      RunDirectory directory,
      MemoryVersions memories,
      Supplier<Duration> now,
      Task.Completion completion) {
    this.federation = federation;
    this.rounds = rounds;
    this.directory = directory;
    this.memories = memories;
    this.now = now;
    this.completion = completion;
    this.lastTask = directory.lastTask();
  }

  /** Plans a task for each assignment; unknown client ids are skipped with a note. */
  List<PlannedTask> plan(
      Kind kind, RoundContext context, RoundPlan plan, Map<String, Map<String, String>> clients)
      throws IOException {
    int round = context.round();
    AssignedFiles files = new AssignedFiles(directory, round);
    Path global = directory.adapterFile(kind == Kind.FIT ? round - 1 : round);
    files.put(context.adapter(), directory.refer(global));
    List<PlannedTask> tasks = new ArrayList<>();
    for (Map.Entry<String, Assignment> entry : plan.assignments().entrySet()) {
      String client = entry.getKey();
      Assignment assignment = entry.getValue();
      if (!clients.containsKey(client)) {
        context.note(
            "unknown client: " + ClientText.shown(String.valueOf(client), 80) + "; skipped");
        continue;
      }
      requireLayout(client, assignment, context.adapter().layout());
      tasks.add(
          new PlannedTask(
              new TaskId(++lastTask),
              round,
              kind,
              client,
              files.of(assignment.start()),
              assignment.start().config(),
              assignment.training(),
              assignment.payload().config(),
              files.of(assignment.payload().tensors()),
              assignment.expected(),
              memories.current(client),
              memories.horizon(client, round),
              clients.getOrDefault(client, Map.of())));
    }
    tasks.forEach(task -> planned.put(task.id(), task));
    return tasks;
  }

  private void requireLayout(String client, Assignment assignment, AdapterLayout layout) {
    if (federation.strategy.needs() != Needs.EACH_UPDATE) {
      try {
        layout.requireSame(assignment.start().layout());
      } catch (IllegalArgumentException e) {
        throw new IllegalStateException(
            "assignment of "
                + client
                + ": "
                + e.getMessage()
                + "; the strategy's aggregator needs updates of one layout (Needs."
                + federation.strategy.needs()
                + ")",
            e);
      }
    }
  }

  /** Returns a task that was planned. */
  PlannedTask task(TaskId id) {
    PlannedTask task = planned.get(id);
    return task != null ? task : directory.saved().task(id);
  }

  /**
   * Returns the bytes that clients downloaded for ended tasks: all of a task's files if it has a
   * result; else what the pool has sent since the run resumed.
   */
  long bytesFetched(List<Outcome> outcomes) {
    long bytes = 0;
    for (Outcome outcome : outcomes) {
      boolean isAnswer = outcome.isUsable() || outcome instanceof Outcome.Rejected;
      AtomicLong seen = fetched.get(outcome.task());
      if (isAnswer) {
        bytes += bytesOf(task(outcome.task()));
      } else if (seen != null) {
        bytes += seen.get();
      }
    }
    return bytes;
  }

  private static long bytesOf(PlannedTask task) {
    FileRef tensors = task.tensors();
    return task.adapter().bytes() + (tensors == null ? 0 : tensors.bytes());
  }

  /** Returns the layout of the adapter that a task starts from. */
  AdapterLayout layoutOf(PlannedTask task) throws IOException {
    return AdapterFile.layoutOf(directory.resolve(task.adapter()));
  }

  /** Adds tasks that are to be asked when it is their turn. */
  void queue(List<PlannedTask> tasks) {
    notAsked.addAll(tasks);
  }

  /** Returns what is planned of a kind and yet to be asked. */
  List<OpenTasks.Maker> makers(Kind kind) {
    List<OpenTasks.Maker> makers = new ArrayList<>();
    for (PlannedTask task : notAsked) {
      if (task.kind() == kind) {
        makers.add(() -> make(task, now.get()));
      }
    }
    notAsked.removeIf(task -> task.kind() == kind);
    return makers;
  }

  /** Makes a task that is asked at a time. */
  Task make(PlannedTask plan, Duration asked) throws IOException {
    Adapter adapter = directory.readAdapter(plan.adapter(), plan.lora());
    FileRef file = plan.tensors();
    NamedTensors tensors = file == null ? NamedTensors.none() : directory.readTensors(file);
    long header = HEADER_BYTES;
    for (TensorSpec tensor : adapter.layout().tensors()) {
      header += HEADER_BYTES_PER_TENSOR + tensor.name().length();
    }
    boolean trains = plan.kind() == Kind.FIT;
    Seed seed = federation.seed.forRound(plan.round());
    return new Task(
        plan,
        rounds,
        adapter,
        tensors,
        federation.runSettings,
        (trains ? seed : seed.split("evaluate")).forClient(plan.clientId()),
        directory.resolve(plan.adapter()),
        file == null ? null : directory.resolve(file),
        directory
            .answerFile(plan.round(), plan.kind(), plan.clientId())
            .resolveSibling(plan.clientId() + "." + plan.id() + ".incoming"),
        (2 + plan.expected().size()) * (adapter.layout().bytes() + header),
        asked,
        asked.plus(federation.roundDeadline),
        completion,
        fetched.computeIfAbsent(plan.id(), id -> new AtomicLong()));
  }
}
