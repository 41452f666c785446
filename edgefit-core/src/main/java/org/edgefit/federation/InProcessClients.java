package org.edgefit.federation;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.client.ClientId;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.strategy.EvaluateOutcome;
import org.edgefit.strategy.FitOutcome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Clients in this JVM, for simulations: some at a time, each on a thread of its own. */
public final class InProcessClients implements ClientPool {

  private static final Logger log = LoggerFactory.getLogger(InProcessClients.class);

  private final TreeMap<String, FederatedClient> clients = new TreeMap<>();
  private final int parallelism;
  private ExecutorService threads;

  private InProcessClients(List<? extends FederatedClient> clients, int parallelism) {
    if (parallelism < 1) {
      throw new IllegalArgumentException("parallelism: " + parallelism + " (expected: >= 1)");
    }
    for (FederatedClient client : clients) {
      if (this.clients.put(ClientId.require(client.id()), client) != null) {
        throw new IllegalArgumentException("client id: " + client.id() + " comes twice");
      }
    }
    this.parallelism = parallelism;
    this.threads = newThreads(parallelism);
  }

  /** Returns a pool that asks one client after the other. */
  public static InProcessClients of(List<? extends FederatedClient> clients) {
    return new InProcessClients(clients, 1);
  }

  /** Returns this pool with {@code count} clients at work at a time. */
  public InProcessClients parallel(int count) {
    return new InProcessClients(List.copyOf(clients.values()), count);
  }

  @Override
  public List<String> available() {
    return List.copyOf(clients.keySet());
  }

  @Override
  public boolean await(int minimum, Duration timeout) {
    return clients.size() >= minimum;
  }

  @Override
  public Map<String, String> description(String clientId) {
    return client(clientId).description();
  }

  private FederatedClient client(String id) {
    FederatedClient client = clients.get(id);
    if (client == null) {
      throw new IllegalArgumentException(
          "client: " + id + " (expected: one of " + clients.keySet() + ")");
    }
    return client;
  }

  @Override
  public List<FitOutcome> fit(FitRequest request) throws InterruptedException {
    Map<String, Callable<FitOutcome>> tasks = new LinkedHashMap<>();
    request
        .instructions()
        .forEach((id, instruction) -> tasks.put(id, () -> fit(request, client(id), instruction)));
    return runAll(
        tasks,
        request.deadline(),
        id -> new FitOutcome.TimedOut(id, request.deadline()),
        outcome -> {
          FitOutcome checked = request.check().apply(outcome);
          request.finished().accept(checked);
          return checked;
        });
  }

  private static FitOutcome fit(
      FitRequest request, FederatedClient client, FitInstruction instruction)
      throws InterruptedException {
    FitResult result;
    try {
      result = client.fit(instruction);
      if (Thread.interrupted()) {
        throw new InterruptedException(client.id() + ": the round is over");
      }
    } catch (IOException | RuntimeException e) {
      log.warn("{}: training failed in round {}", client.id(), request.round(), e);
      return new FitOutcome.Failed(client.id(), reason(e));
    }
    try {
      AdapterDelta stored = request.updates().save(client.id(), result.delta());
      return new FitOutcome.Trained(
          client.id(), result.examples(), result.labelTokens(), stored, result.metrics());
    } catch (IOException | IllegalArgumentException e) {
      return new FitOutcome.Rejected(client.id(), reason(e));
    }
  }

  @Override
  public List<EvaluateOutcome> evaluate(EvaluateRequest request) throws InterruptedException {
    Map<String, Callable<EvaluateOutcome>> tasks = new LinkedHashMap<>();
    for (String id : request.clients()) {
      tasks.put(
          id,
          () -> {
            try {
              EvaluateResult result = client(id).evaluate(request.instruction());
              return new EvaluateOutcome.Evaluated(id, result.examples(), result.metrics());
            } catch (IOException | RuntimeException e) {
              return new EvaluateOutcome.NotEvaluated(id, reason(e));
            }
          });
    }
    return runAll(
        tasks,
        request.deadline(),
        id ->
            new EvaluateOutcome.NotEvaluated(
                id, "no answer in " + request.deadline().toSeconds() + " s"),
        UnaryOperator.identity());
  }

  /**
   * Returns threads that stay for the next round: native allocators keep memory per thread, so that
   * new threads in every round would let a process grow.
   */
  private static ExecutorService newThreads(int count) {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            count,
            count,
            1,
            TimeUnit.MINUTES,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, "edgefit-client");
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  /**
   * Runs the tasks, and interrupts those that the deadline finds at work.
   *
   * @param late gives the outcome of a client that did not answer in time
   * @param received is given each outcome in turn, and returns what it is worth
   */
  private <T> List<T> runAll(
      Map<String, Callable<T>> tasks,
      Duration deadline,
      Function<String, T> late,
      UnaryOperator<T> received)
      throws InterruptedException {
    boolean anyLate = false;
    boolean allInTime = false;
    try {
      Map<String, Future<T>> futures = new LinkedHashMap<>();
      tasks.forEach((id, task) -> futures.put(id, threads.submit(task)));
      long end = System.nanoTime() + deadline.toNanos();
      List<T> outcomes = new ArrayList<>();
      for (Map.Entry<String, Future<T>> entry : futures.entrySet()) {
        try {
          long left = Math.max(0, end - System.nanoTime());
          outcomes.add(received.apply(entry.getValue().get(left, TimeUnit.NANOSECONDS)));
        } catch (TimeoutException | CancellationException e) {
          entry.getValue().cancel(true);
          anyLate = true;
          outcomes.add(received.apply(late.apply(entry.getKey())));
        } catch (ExecutionException e) {
          throw new IllegalStateException(entry.getKey() + ": " + e.getCause(), e.getCause());
        }
      }
      allInTime = !anyLate;
      return outcomes;
    } finally {
      if (!allInTime) { // a thread may still be at work for a client that was late
        threads.shutdownNow();
        threads = newThreads(parallelism);
      }
    }
  }

  private static String reason(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
