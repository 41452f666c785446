package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.edgefit.client.TaskId;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.PlannedTask.Kind;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * The running tasks. Each ends once: with the client's result, at the deadline, or cancelled. Its
 * outcome is logged before anyone is notified, and rounds consume outcomes in log order, so a
 * resumed run consumes the same. A result of an ended task is late and discarded.
 */
final class OpenTasks {

  /** How long a wait lasts before the run looks whether it is to stop, and who has come or gone. */
  private static final Duration POLL = Duration.ofMillis(200);

  private final ClientPool pool;
  private final AnswerCheck check;
  private final EventLog events;
  private final MemoryVersions memories;
  private final BooleanSupplier isStopping;
  private final Object lock = new Object();
  private final Map<TaskId, Task> open = new LinkedHashMap<>(); // guarded by lock
  private final Deque<Ended> ended = new ArrayDeque<>(); // guarded by lock; in the log's order
  private @Nullable IOException broken; // guarded by lock
  private int round; // guarded by lock
  private final TreeSet<String> present = new TreeSet<>();

  /** A task that has ended, and that no round has taken yet. */
  private record Ended(Kind kind, Outcome outcome) {}

  OpenTasks(
      ClientPool pool,
      AnswerCheck check,
      EventLog events,
      MemoryVersions memories,
      BooleanSupplier isStopping) {
    this.pool = pool;
    this.check = check;
    this.events = events;
    this.memories = memories;
    this.isStopping = isStopping;
  }

  /** Takes up a task that had ended when the run was stopped, and that no round had taken. */
  void restore(PlannedTask plan, Outcome outcome) {
    synchronized (lock) {
      ended.add(new Ended(plan.kind(), outcome));
    }
  }

  /** Sets the round that is open. */
  void openRound(int number) {
    synchronized (lock) {
      round = number;
    }
  }

  /** Returns the ids of the clients that are at work. */
  List<String> clients() {
    return all().stream().map(Task::clientId).toList();
  }

  private List<Task> all() {
    synchronized (lock) {
      return List.copyOf(open.values());
    }
  }

  private long atWork(Kind kind) {
    return all().stream().filter(task -> task.plan().kind() == kind).count();
  }

  /**
   * Asks a client.
   *
   * @param isAgain whether the log has it already, in a resumed run
   */
  void ask(Task task, boolean isAgain) throws IOException {
    Files.createDirectories(task.incoming().getParent());
    synchronized (lock) {
      open.put(task.id(), task);
    }
    RunEvent.TaskAsked asked =
        new RunEvent.TaskAsked(task.plan().round(), task.id(), task.clientId());
    if (!isAgain) {
      events.keep(asked);
    }
    events.tell(asked);
    pool.ask(task);
  }

  /** Makes a task when it is its turn to be asked. */
  interface Maker {
    Task make() throws IOException;
  }

  /**
   * Sends tasks, limited by concurrency, and waits for enough results, or all.
   *
   * @param kind what they are asked to do
   * @param waiting what is yet to be asked
   * @param concurrency the most clients at work at a time
   * @param enough the usable answers after which to wait no longer
   * @return how their tasks ended
   */
  List<Outcome> collect(Kind kind, Collection<? extends Maker> waiting, int concurrency, int enough)
      throws IOException, InterruptedException {
    Deque<Maker> queue = new ArrayDeque<>(waiting);
    List<Outcome> outcomes = new ArrayList<>();
    while (outcomes.stream().filter(Outcome::isUsable).count() < enough) {
      requireGoingOn();
      while (atWork(kind) < concurrency && !queue.isEmpty()) {
        ask(queue.remove().make(), false);
      }
      Outcome outcome = take(kind);
      if (outcome != null) {
        outcomes.add(outcome);
      } else if (atWork(kind) > 0) {
        await();
      } else {
        break;
      }
    }
    return outcomes;
  }

  /** Cancels all running tasks of a kind, and returns their outcomes. */
  List<Outcome> sendHome(Kind kind, String reason) throws IOException {
    for (Task task : all()) {
      if (task.plan().kind() == kind) {
        end(task, new Outcome.Failed(task.id(), task.clientId(), reason));
      }
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (Outcome next = take(kind); next != null; next = take(kind)) {
      outcomes.add(next);
    }
    return outcomes;
  }

  /** Leaves open tasks as they are, for the run to be resumed later. */
  void abandon() {
    List<Task> tasks = all();
    synchronized (lock) {
      open.clear();
    }
    tasks.forEach(task -> pool.cancel(task.id()));
  }

  private void requireGoingOn() throws IOException, InterruptedException {
    synchronized (lock) {
      if (broken != null) {
        throw new IOException(broken.getMessage(), broken);
      }
    }
    if (Thread.interrupted() || isStopping.getAsBoolean()) {
      throw new InterruptedException("stopped");
    }
  }

  /** Returns how the next task of a kind ended, and tells the listeners; null if none has. */
  private @Nullable Outcome take(Kind kind) {
    Outcome taken = null;
    int in;
    synchronized (lock) {
      in = round;
      for (Iterator<Ended> all = ended.iterator(); taken == null && all.hasNext(); ) {
        Ended next = all.next();
        if (next.kind() == kind) {
          taken = next.outcome();
          all.remove();
        }
      }
    }
    if (taken != null) {
      events.tell(new RunEvent.ClientFinished(in, taken));
    }
    return taken;
  }

  /** Waits until so many clients are there; returns whether they are in that time. */
  boolean awaitClients(int minimum, Duration timeout) throws IOException, InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    while (true) {
      requireGoingOn();
      Duration left = Duration.ofNanos(end - System.nanoTime());
      if (pool.await(minimum, left.compareTo(POLL) < 0 ? left : POLL)) {
        return true;
      }
      if (!pool.canGrow() || left.compareTo(POLL) < 0) {
        return false;
      }
      tellOfClients();
    }
  }

  /** Waits a while for an answer, and ends tasks whose time is over. */
  private void await() throws IOException, InterruptedException {
    Duration wait = POLL;
    for (Task task : all()) {
      Duration left = task.deadline().minus(pool.now());
      if (left.isNegative() || left.isZero()) {
        Duration waited = task.deadline().minus(task.asked());
        end(task, new Outcome.TimedOut(task.id(), task.clientId(), waited));
        return;
      }
      wait = left.compareTo(wait) < 0 ? left : wait;
    }
    Answer answer = pool.next(wait);
    tellOfClients();
    if (answer != null) {
      Task task;
      synchronized (lock) {
        task = open.get(answer.task());
      }
      if (task != null) { // else the answer's completion has ended it
        end(task, answer.outcome());
      }
    }
  }

  /** Ends a task, unless it has ended. */
  private void end(Task task, Outcome outcome) throws IOException {
    synchronized (lock) {
      if (!open.containsKey(task.id())) {
        return;
      }
      events.keep(new RunEvent.ClientFinished(round, outcome));
      open.remove(task.id());
      ended.add(new Ended(task.plan().kind(), outcome));
    }
    pool.cancel(task.id());
  }

  /** Takes a client's answer; see {@link Task#complete}. */
  @Nullable Outcome complete(Task task, Task.Result result) throws IOException {
    String fault = isOpen(task) ? check.fault(task, result) : null; // reads all of it: no lock held
    synchronized (lock) {
      if (!open.containsKey(task.id())) {
        if (result.tensors() != null) {
          Files.deleteIfExists(result.tensors());
        }
        return null;
      }
      try {
        Outcome outcome =
            fault == null ? check.accept(task, result) : check.reject(task, result, fault);
        events.keep(new RunEvent.ClientFinished(round, outcome));
        memories.add(outcome, round);
        open.remove(task.id());
        ended.add(new Ended(task.plan().kind(), outcome));
        return outcome;
      } catch (IOException e) {
        broken = e;
        throw e;
      }
    }
  }

  private boolean isOpen(Task task) {
    synchronized (lock) {
      return open.containsKey(task.id());
    }
  }

  /** Tells the listeners who has come and gone. */
  void tellOfClients() {
    TreeSet<String> now = new TreeSet<>();
    pool.available().forEach(client -> now.add(client.id()));
    for (String id : now) {
      if (present.add(id)) {
        events.tell(new RunEvent.ClientJoined(id));
      }
    }
    for (String id : List.copyOf(present)) {
      if (!now.contains(id)) {
        present.remove(id);
        events.tell(new RunEvent.ClientLeft(id));
      }
    }
  }
}
