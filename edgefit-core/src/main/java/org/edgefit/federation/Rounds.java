package org.edgefit.federation;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.edgefit.client.ClientText;
import org.edgefit.run.History;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.PlannedTask.Kind;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.run.SavedRun;
import org.edgefit.strategy.ClientMetrics;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundFailedException;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;

/**
 * The rounds of a run, closed ones and the next. A round reads top to bottom: plan, ask, collect,
 * aggregate, publish, evaluate, close.
 */
final class Rounds {

  private static final int MOST_NOTES = 100;

  private final Federation federation;
  private final Strategy strategy;
  private final ClientPool pool;
  private final RunDirectory directory;
  private final SavedRun saved;
  private final int total;
  private final EventLog events;
  private final OpenTasks tasks;
  private final TaskPlanner planner;
  private final PublishedStates states;
  private final List<RoundSummary> history = new ArrayList<>();
  private final Set<String> notes = new LinkedHashSet<>();
  private ServerState state;

  /**
   * @param total the last round
   */
  Rounds(
      Federation federation,
      RunDirectory directory,
      int total,
      EventLog events,
      OpenTasks tasks,
      TaskPlanner planner,
      PublishedStates states) {
    this.federation = federation;
    this.strategy = federation.strategy;
    this.pool = federation.clients;
    this.directory = directory;
    this.saved = directory.saved();
    this.total = total;
    this.events = events;
    this.tasks = tasks;
    this.planner = planner;
    this.states = states;
    this.state = strategy.start(federation.initial);
  }

  /** Takes up rounds that are closed, and the state after the last of them. */
  void restore(List<RoundSummary> closed, ServerState last) {
    history.addAll(closed);
    state = last;
  }

  /** Returns the rounds that are closed, round 0 first. */
  List<RoundSummary> closed() {
    return history;
  }

  /** Returns the state after the last round. */
  ServerState state() {
    return state;
  }

  /** Returns whether no round is left, or the strategy stops. */
  boolean areOver() {
    return history.size() > total || isStopped();
  }

  private boolean isStopped() {
    int last = history.size() - 1;
    return last >= 1 && strategy.isOver(context(last, state, Map.of()));
  }

  /** Publishes the initial state, evaluated, as round 0. */
  void zero() throws IOException, InterruptedException {
    long start = System.nanoTime();
    state = states.write(0, state);
    Map<String, Double> server = strategy.evaluate(context(0, state, present()));
    close(0, start, List.of(), List.of(), Map.of(), Map.of(), server, 0, "");
  }

  /** Runs the next round. */
  void next() throws IOException, InterruptedException {
    int round = history.size();
    tasks.openRound(round);
    long start = System.nanoTime();
    RunEvent.RoundOpened opened = saved.openRound();
    Map<String, Map<String, String>> clients;
    RoundPlan plan;
    if (opened != null && opened.round() == round) {
      clients = opened.available();
      plan = strategy.configureFit(context(round, state, clients));
      events.tell(opened);
    } else {
      requireClients(round);
      clients = present();
      RoundContext context = context(round, state, clients);
      plan = strategy.configureFit(context);
      List<PlannedTask> planned = planner.plan(Kind.FIT, context, plan, clients);
      opened = new RunEvent.RoundOpened(round, total, clients, planned);
      events.add(opened);
      planner.queue(planned);
    }
    List<Outcome> outcomes =
        tasks.collect(Kind.FIT, planner.makers(Kind.FIT), plan.concurrency(), plan.closeAfter());
    if (!plan.carriesOver()) {
      outcomes.addAll(tasks.sendHome(Kind.FIT, "cancelled: enough results"));
    }
    outcomes.sort(Comparator.comparing(Outcome::clientId).thenComparing(Outcome::task));

    RoundContext context = context(round, state, clients);
    String failure = "";
    List<Outcome.Trained> trained = trained(outcomes);
    if (trained.size() < federation.quorum) {
      failure = trained.size() + " usable results (expected: at least " + federation.quorum + ")";
      state = states.write(round, state);
    } else {
      failure = aggregate(round, context, trained);
    }

    List<Outcome> evaluations = evaluate(round);
    evaluations.sort(Comparator.comparing(Outcome::clientId));
    RoundContext after = context(round, state, clients);
    close(
        round,
        start,
        outcomes,
        evaluations,
        combined("training", () -> strategy.aggregateFitMetrics(context, metrics(outcomes))),
        combined("evaluation", () -> strategy.aggregateEvaluate(after, metrics(evaluations))),
        strategy.evaluate(after),
        planner.bytesFetched(outcomes) + planner.bytesFetched(evaluations),
        failure);
  }

  void requireClients(int round) throws IOException, InterruptedException {
    if (!tasks.awaitClients(federation.minimumClients, federation.joinTimeout)) {
      throw new IllegalStateException(
          "clients: "
              + present().keySet()
              + " at the start of round "
              + round
              + " (expected: at least "
              + federation.minimumClients
              + ")");
    }
    tasks.tellOfClients();
  }

  /** Makes the next state, and publishes it. Returns why the state stays; empty if it does not. */
  private String aggregate(int round, RoundContext context, List<Outcome.Trained> trained)
      throws IOException {
    List<FileUpdate> updates = new ArrayList<>();
    try {
      for (Outcome.Trained outcome : trained) {
        PlannedTask task = planner.task(outcome.task());
        updates.add(
            new FileUpdate(
                outcome, task, planner.layoutOf(task), directory.resolve(outcome.update())));
      }
      ServerState next = strategy.aggregateFit(context, UpdateSet.of(updates));
      context.adapter().layout().requireSame(next.adapter().layout());
      String failure = FiniteCheck.fault(next, updates);
      state = states.write(round, failure.isEmpty() ? next : state);
      return failure;
    } catch (RoundFailedException e) {
      state = states.write(round, state);
      return ClientText.shown(String.valueOf(e.getMessage()));
    } finally {
      for (FileUpdate update : updates) {
        update.close();
      }
    }
  }

  private List<Outcome> evaluate(int round) throws IOException, InterruptedException {
    RunEvent.EvaluationOpened opened = saved.openEvaluation();
    RoundPlan plan;
    if (opened != null && opened.round() == round) {
      plan = strategy.configureEvaluate(context(round, state, opened.available()));
      states.requireSame(round, opened.tasks());
    } else {
      Map<String, Map<String, String>> clients = present();
      RoundContext context = context(round, state, clients);
      plan = strategy.configureEvaluate(context);
      if (plan.assignments().isEmpty()) {
        return new ArrayList<>();
      }
      List<PlannedTask> planned = planner.plan(Kind.EVALUATE, context, plan, clients);
      events.add(new RunEvent.EvaluationOpened(round, clients, planned));
      planner.queue(planned);
    }
    List<Outcome> outcomes =
        tasks.collect(
            Kind.EVALUATE, planner.makers(Kind.EVALUATE), plan.concurrency(), plan.closeAfter());
    outcomes.addAll(tasks.sendHome(Kind.EVALUATE, "cancelled: enough results"));
    return outcomes;
  }

  private void close(
      int round,
      long start,
      List<Outcome> outcomes,
      List<Outcome> evaluations,
      Map<String, Double> fit,
      Map<String, Double> evaluate,
      Map<String, Double> server,
      long bytesDown,
      String failure)
      throws IOException {
    RoundSummary summary =
        new RoundSummary(
            round,
            outcomes,
            evaluations,
            fit,
            evaluate,
            server,
            bytesDown,
            bytes(outcomes) + bytes(evaluations),
            Duration.ofNanos(System.nanoTime() - start),
            directory.refer(directory.adapterFile(round)),
            directory.refer(directory.adapterConfigFile(round)),
            states.more(round, state),
            failure,
            List.copyOf(notes));
    notes.clear();
    events.keep(new RunEvent.RoundClosed(summary));
    history.add(summary);
    events.tell(new RunEvent.RoundClosed(summary));
  }

  RoundContext context(int round, ServerState from, Map<String, Map<String, String>> clients) {
    return new RoundContext(
        round,
        total,
        from,
        clients,
        Set.copyOf(tasks.clients()),
        federation.runSettings,
        federation.training,
        new History(history),
        federation.seed.forRound(round),
        this::note);
  }

  private void note(String text) {
    if (notes.size() < MOST_NOTES) {
      notes.add(ClientText.shown(text));
    } else {
      notes.add("and more");
    }
  }

  private Map<String, Map<String, String>> present() {
    Map<String, Map<String, String>> clients = new TreeMap<>();
    pool.available().forEach(client -> clients.put(client.id(), client.properties()));
    return clients;
  }

  /**
   * Aggregates client metrics. Non-finite values are dropped with a note; so are all if the rule
   * throws, which may be a client's fault.
   */
  private Map<String, Double> combined(String of, Supplier<Map<String, Double>> rule) {
    Map<String, Double> usable = new TreeMap<>();
    try {
      rule.get()
          .forEach(
              (name, value) -> {
                if (Double.isFinite(value)) {
                  usable.put(name, value);
                } else {
                  note(of + " metric " + name + " dropped: combined to " + value);
                }
              });
    } catch (RuntimeException e) {
      Federation.log.error("cannot aggregate {} metrics", of, e);
      note(of + " metrics dropped: aggregation failed: " + e);
    }
    return usable;
  }

  private static List<Outcome.Trained> trained(List<Outcome> outcomes) {
    List<Outcome.Trained> trained = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Trained one) {
        trained.add(one);
      }
    }
    return trained;
  }

  private static List<ClientMetrics> metrics(List<Outcome> outcomes) {
    List<ClientMetrics> metrics = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      if (outcome.isUsable()) {
        metrics.add(new ClientMetrics(outcome.clientId(), outcome.examples(), outcome.metrics()));
      }
    }
    return metrics;
  }

  private static long bytes(List<Outcome> outcomes) {
    return outcomes.stream().mapToLong(Outcome::bytes).sum();
  }
}
