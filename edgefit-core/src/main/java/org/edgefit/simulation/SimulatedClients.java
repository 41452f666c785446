package org.edgefit.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentHashMap;
import org.edgefit.client.TaskId;
import org.edgefit.federation.Answer;
import org.edgefit.federation.ClientInfo;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Task;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.jspecify.annotations.Nullable;

/**
 * Clients on a virtual clock: each finishes or drops out when its device would; deadlines use that
 * clock too. A client that drops out or misses the deadline is not trained; the others train at
 * once, and their results arrive in virtual-time order. Evaluation takes no virtual time.
 */
public final class SimulatedClients implements ClientPool {

  /**
   * How long to wait for a training that is not done, where virtual time cannot go on before it is.
   */
  private static final Duration REAL_WAIT = Duration.ofMillis(200);

  private final ClientPool clients;
  private final VirtualClock clock;
  private final PriorityQueue<Arrival> arrivals =
      new PriorityQueue<>(
          Comparator.comparingLong(Arrival::nanos)
              .thenComparing(arrival -> arrival.task().clientId()));
  private final Map<TaskId, Task.Result> results = new ConcurrentHashMap<>();
  private final Map<TaskId, Outcome> failures = new ConcurrentHashMap<>();
  private long nanos;

  /** When the server hears of a client, or that it is gone. */
  private record Arrival(long nanos, Task task, boolean isDropped, double seconds) {}

  /** Puts clients on a clock, which must know each of them. */
  public SimulatedClients(ClientPool clients, VirtualClock clock) {
    this.clients = clients;
    this.clock = clock;
  }

  @Override
  public void begin(Path memory, Duration elapsed) {
    clients.begin(memory, elapsed);
    nanos = elapsed.toNanos();
  }

  @Override
  public Duration now() {
    return Duration.ofNanos(nanos);
  }

  @Override
  public List<ClientInfo> available() {
    return clients.available();
  }

  @Override
  public boolean await(int minimum, Duration timeout) throws InterruptedException {
    return clients.await(minimum, timeout);
  }

  @Override
  public boolean canGrow() {
    return clients.canGrow();
  }

  @Override
  public void ask(Task task) {
    VirtualClock.End end = end(task);
    long at = task.asked().toNanos() + Math.round(end.seconds() * 1e9);
    arrivals.add(new Arrival(at, task, end.isDropped(), end.seconds()));
    if (!end.isDropped() && at < task.deadline().toNanos()) {
      clients.ask(task.completedBy(this::trained));
    }
  }

  /** Returns when the server hears of a client; of one that is not known, at once. */
  private VirtualClock.End end(Task task) {
    boolean isTimed = task.plan().kind() == PlannedTask.Kind.FIT && clock.knows(task.clientId());
    return isTimed
        ? clock.end(task.plan().round(), task.clientId())
        : new VirtualClock.End(0, false);
  }

  /** Keeps what a client answered until its time has come; what it is worth is decided then. */
  private Outcome trained(Task task, Task.Result result) {
    results.put(task.id(), result);
    return new Outcome.Trained(
        task.id(),
        task.clientId(),
        result.examples(),
        result.labelTokens(),
        Map.of(),
        new FileRef("", 0, ""),
        result.keepsMemory(),
        List.of());
  }

  @Override
  public @Nullable Answer next(Duration limit) throws InterruptedException {
    Arrival arrival = arrivals.peek();
    long until = nanos + limit.toNanos();
    if (arrival == null || arrival.nanos() > until) {
      nanos = until;
      return null;
    }
    Task task = arrival.task();
    if (!arrival.isDropped() && !results.containsKey(task.id())) {
      Answer answer = failures.containsKey(task.id()) ? null : clients.next(REAL_WAIT);
      if (answer != null && !results.containsKey(answer.task())) {
        failures.put(answer.task(), answer.outcome());
      }
      if (!results.containsKey(task.id()) && !failures.containsKey(task.id())) {
        return null; // virtual time stands still
      }
    }
    arrivals.remove();
    nanos = Math.max(nanos, arrival.nanos());
    return new Answer(task.id(), outcome(arrival));
  }

  private Outcome outcome(Arrival arrival) {
    Task task = arrival.task();
    if (arrival.isDropped()) {
      return new Outcome.Failed(
          task.id(),
          task.clientId(),
          String.format(
              Locale.ROOT, "dropped out after %.1f s of virtual time", arrival.seconds()));
    }
    Outcome failure = failures.remove(task.id());
    Task.Result result = results.remove(task.id());
    if (failure != null || result == null) {
      return failure != null
          ? failure
          : new Outcome.Failed(task.id(), task.clientId(), "no answer");
    }
    try {
      Outcome outcome = task.complete(result);
      return outcome != null
          ? outcome
          : new Outcome.Failed(task.id(), task.clientId(), "late result");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void cancel(TaskId id) {
    arrivals.removeIf(arrival -> arrival.task().id().equals(id));
    clients.cancel(id);
    results.remove(id);
    failures.remove(id);
  }
}
