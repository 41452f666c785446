package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.ClientId;
import org.edgefit.client.ClientMemory;
import org.edgefit.client.ClientText;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitResult;
import org.edgefit.client.TaskId;
import org.edgefit.file.FileFault;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Clients in this JVM, for simulations: some in parallel, each on its own thread. */
public final class InProcessClients implements ClientPool {

  private static final Logger log = LoggerFactory.getLogger(InProcessClients.class);

  private final NavigableMap<String, Function<String, ? extends FederatedClient>> clients;
  private final boolean isLazy;
  private final int parallelism;
  private final ExecutorService threads = newThreads();
  private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
  private final Deque<Task> waiting = new ArrayDeque<>(); // guarded by this
  private final Map<TaskId, Place> atWork = new HashMap<>(); // guarded by this
  private @Nullable List<ClientInfo> available;
  private Path memory = Path.of("");
  private RunClock clock = RunClock.start(Duration.ZERO);

  /** The place of one task among those at work; its thread is null until that has begun. */
  private static final class Place {
    private @Nullable Thread thread;
  }

  private InProcessClients(
      NavigableMap<String, Function<String, ? extends FederatedClient>> clients,
      boolean isLazy,
      int parallelism) {
    if (parallelism < 1) {
      throw new IllegalArgumentException("parallelism: " + parallelism + " (expected: >= 1)");
    }
    this.clients = clients;
    this.isLazy = isLazy;
    this.parallelism = parallelism;
  }

  /** Returns a pool that runs one client at a time. */
  public static InProcessClients of(List<? extends FederatedClient> clients) {
    TreeMap<String, Function<String, ? extends FederatedClient>> byId = new TreeMap<>();
    for (FederatedClient client : clients) {
      add(byId, client.id(), id -> client);
    }
    return new InProcessClients(byId, false, 1);
  }

  /**
   * Returns a pool whose clients exist only while they run a task, so that thousands of ids do not
   * need thousands of clients. Their properties are not known in advance.
   *
   * @param make makes a client by its id; several threads may call it
   */
  public static InProcessClients lazily(
      Collection<String> ids, Function<String, ? extends FederatedClient> make) {
    TreeMap<String, Function<String, ? extends FederatedClient>> byId = new TreeMap<>();
    ids.forEach(id -> add(byId, id, make));
    return new InProcessClients(byId, true, 1);
  }

  private static void add(
      Map<String, Function<String, ? extends FederatedClient>> byId,
      String id,
      Function<String, ? extends FederatedClient> make) {
    if (byId.put(ClientId.require(id), make) != null) {
      throw new IllegalArgumentException("client id: " + id + " comes twice");
    }
  }

  /** Returns this pool running {@code count} clients in parallel. */
  public InProcessClients parallel(int count) {
    return new InProcessClients(clients, isLazy, count);
  }

  @Override
  public void begin(Path newMemory, Duration elapsed) {
    memory = newMemory;
    clock = RunClock.start(elapsed);
  }

  @Override
  public Duration now() {
    return clock.now();
  }

  @Override
  public List<ClientInfo> available() {
    if (available == null) {
      List<ClientInfo> all = new ArrayList<>();
      clients.forEach(
          (id, make) -> all.add(new ClientInfo(id, isLazy ? Map.of() : description(id, make))));
      available = List.copyOf(all);
    }
    return available;
  }

  /** Returns what a client tells of itself; nothing if it fails at that, which is logged. */
  private static Map<String, String> description(
      String id, Function<String, ? extends FederatedClient> make) {
    try {
      return Map.copyOf(make.apply(id).description());
    } catch (RuntimeException | Error e) {
      Federation.log.warn("{}: its description is left out: {}", id, e.toString());
      return Map.of();
    }
  }

  @Override
  public boolean await(int minimum, Duration timeout) {
    return clients.size() >= minimum;
  }

  @Override
  public boolean canGrow() {
    return false;
  }

  @Override
  public synchronized void ask(Task task) {
    waiting.add(task);
    startWaiting();
  }

  /** Starts tasks while there is room. */
  private synchronized void startWaiting() {
    while (atWork.size() < parallelism && !waiting.isEmpty()) {
      Task task = waiting.remove();
      Place place = new Place();
      atWork.put(task.id(), place);
      threads.execute(() -> work(task, place));
    }
  }

  private void work(Task task, Place place) {
    synchronized (this) {
      if (atWork.get(task.id()) != place) {
        return; // cancelled before it began
      }
      place.thread = Thread.currentThread();
    }
    fetch(task);
    Outcome outcome;
    try {
      outcome = answer(task);
    } catch (Throwable e) { // whatever a client dies of is that client's failure alone
      if (hasPlace(task, place)) { // else it was interrupted, and nobody waits for it
        log.warn("{}: failed in task {}", task.clientId(), task.id(), e);
      }
      outcome =
          new Outcome.Failed(task.id(), task.clientId(), ClientText.shown(FileFault.message(e)));
    }
    synchronized (this) {
      place.thread = null;
      Thread.interrupted(); // what was meant for the task must not reach the next
      if (atWork.remove(task.id(), place)) { // a task that was cancelled has given up its place
        if (outcome != null) {
          answers.add(new Answer(task.id(), outcome));
        }
        startWaiting();
      }
    }
  }

  /** Counts what a client over a network would fetch. */
  private static void fetch(Task task) {
    task.fetched(task.plan().adapter());
    if (task.plan().tensors() != null) {
      task.fetched(task.plan().tensors());
    }
  }

  private synchronized boolean hasPlace(Task task, Place place) {
    return atWork.get(task.id()) == place;
  }

  private @Nullable Outcome answer(Task task) throws IOException, InterruptedException {
    Function<String, ? extends FederatedClient> make = clients.get(task.clientId());
    if (make == null) {
      throw new IllegalArgumentException(
          "client: " + task.clientId() + " (expected: one of this pool's)");
    }
    FederatedClient client = make.apply(task.clientId());
    ClientMemory own = new ClientMemory(memory.resolve(task.clientId()));
    PlannedTask plan = task.plan();
    NamedTensors kept = own.read(plan.memory());
    own.prune(plan.horizon());
    if (plan.kind() == PlannedTask.Kind.EVALUATE) {
      EvaluateResult result = client.evaluate(task.evaluate().withMemory(kept));
      requireAnswer(task, result);
      AdapterLayout none = new AdapterLayout(List.of());
      boolean hasTensors = !result.tensors().isEmpty();
      if (hasTensors) {
        UpdateFile.write(AdapterDelta.zero(none), result.tensors(), task.incoming());
      }
      return task.complete(
          new Task.Result(
              result.examples(),
              0,
              result.metrics(),
              hasTensors ? task.incoming() : null,
              null,
              false));
    }
    FitResult result = client.fit(task.fit().withMemory(kept));
    requireAnswer(task, result);
    NamedTensors left = result.memory();
    if (left != null) {
      own.stage(task.id(), left);
    }
    UpdateFile.write(result.delta(), result.tensors(), task.incoming());
    Outcome outcome =
        task.complete(
            new Task.Result(
                result.examples(),
                result.labelTokens(),
                result.metrics(),
                task.incoming(),
                null,
                left != null));
    if (left != null && (outcome == null || !outcome.isUsable())) {
      own.discard(task.id());
    }
    return outcome;
  }

  private static void requireAnswer(Task task, @Nullable Object result)
      throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted");
    }
    if (result == null) {
      throw new IllegalStateException(task.clientId() + ": answered null (expected: a result)");
    }
  }

  @Override
  public @Nullable Answer next(Duration limit) throws InterruptedException {
    return answers.poll(limit.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Interrupts the client and frees its slot without waiting for it to stop. */
  @Override
  public synchronized void cancel(TaskId id) {
    waiting.removeIf(task -> task.id().equals(id));
    Place place = atWork.remove(id);
    if (place != null) {
      if (place.thread != null) {
        place.thread.interrupt();
      }
      startWaiting();
    }
  }

  /**
   * Returns threads that stay for the next round: native allocators keep memory per thread, so that
   * new threads in every round would let a process grow.
   */
  private static ExecutorService newThreads() {
    return new ThreadPoolExecutor(
        0,
        Integer.MAX_VALUE,
        1,
        TimeUnit.MINUTES,
        new SynchronousQueue<>(),
        work -> {
          Thread thread = new Thread(work, "edgefit-client");
          thread.setDaemon(true);
          return thread;
        });
  }
}
