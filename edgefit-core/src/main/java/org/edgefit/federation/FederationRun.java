package org.edgefit.federation;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.ClientText;
import org.edgefit.file.FileFault;
import org.edgefit.run.History;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.PlannedTask.Kind;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.run.SavedRun;
import org.edgefit.strategy.ClientMetrics;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundFailedException;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;
import org.jspecify.annotations.Nullable;

/**
 * One run of a federation, new or resumed. A round reads top to bottom: plan, ask, collect,
 * aggregate, publish, evaluate, close.
 */
final class FederationRun {

  private static final int MOST_NOTES = 100;

  private final Federation federation;
  private final Strategy strategy;
  private final ClientPool pool;
  private final RunDirectory directory;
  private final SavedRun saved;
  private final int rounds;
  private final EventLog events;
  private final OpenTasks tasks;
  private final List<RoundSummary> history = new ArrayList<>();
  private final TaskPlanner planner;
  private final PublishedStates states;
  private final Set<String> notes = new LinkedHashSet<>();
  private boolean isInLog;
  private ServerState state;

  FederationRun(Federation federation, RunDirectory directory, int rounds) {
    this.federation = federation;
    this.strategy = federation.strategy;
    this.pool = federation.clients;
    this.directory = directory;
    this.saved = directory.saved();
    this.rounds = rounds;
    this.events = new EventLog(directory, pool::now, federation.listeners);
    MemoryVersions memories = new MemoryVersions(saved.memories(), federation.rollbackRounds);
    this.tasks =
        new OpenTasks(
            pool,
            new AnswerCheck(directory, federation.maxExamples, federation.maxLabelTokens),
            events,
            memories,
            federation::isStopping);
    this.planner =
        new TaskPlanner(federation, rounds, directory, memories, pool::now, tasks::complete);
    this.states = new PublishedStates(directory, federation.baseModel);
    this.state = strategy.start(federation.initial);
  }

  RunResult run() throws IOException, InterruptedException {
    pool.begin(directory.clientsDirectory(), saved.elapsed());
    try {
      begin();
      while (history.size() <= rounds && !isOver()) {
        round(history.size());
      }
      return finish();
    } catch (InterruptedException e) {
      throw stopped(e);
    } catch (IOException | RuntimeException | Error e) {
      if (isInterrupt(e)) {
        throw stopped(e);
      }
      end(RunEvent.End.FAILED, FileFault.message(e));
      throw e;
    } finally {
      tasks.abandon();
    }
  }

  private InterruptedException stopped(Throwable cause) {
    String detail =
        isInLog
            ? "stopped in round " + history.size() + "; can be resumed there"
            : "stopped before it resumed";
    end(RunEvent.End.STOPPED, detail);
    InterruptedException stopped = new InterruptedException("the run was " + detail);
    stopped.initCause(cause);
    return stopped;
  }

  /** Returns whether a failure is that of a file that an interrupt closed. */
  private static boolean isInterrupt(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ClosedByInterruptException) {
        return true;
      }
    }
    return false;
  }

  // ---- beginning and end

  private void begin() throws IOException, InterruptedException {
    Map<String, Object> settings = federation.settings(rounds);
    if (saved.isEmpty() || isDone()) {
      directory.notes().forEach(note -> Federation.log.warn("{}: {}", directory.path(), note));
    }
    if (saved.isEmpty()) {
      events.add(new RunEvent.RunOpened(directory.runId(), settings));
      isInLog = true;
    } else {
      List<String> said = new ArrayList<>(directory.notes());
      said.addAll(SettingsCheck.differences(directory.path(), saved.opened().settings(), settings));
      restore();
      if (!isDone()) {
        events.add(new RunEvent.RunResumed(history.size(), rounds, said));
        isInLog = true;
        askAgain();
      }
    }
    tasks.tellOfClients();
    if (history.isEmpty()) {
      if (rounds > 0) {
        requireClients(0);
      }
      roundZero();
    }
  }

  /** Takes up the rounds that are closed, and the tasks of the one that is not. */
  private void restore() throws IOException {
    history.addAll(saved.rounds());
    if (history.size() - 1 > rounds) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: rounds: %d (expected: at least %d, which are closed)",
              directory.path(),
              rounds,
              history.size() - 1));
    }
    if (!history.isEmpty()) {
      states.requireFirst(federation.initial);
      RoundSummary last = history.get(history.size() - 1);
      state = states.read(last);
      federation.initial.layout().requireSame(state.adapter().layout());
    }
  }

  /**
   * Restores the tasks of the open round: logged results count, and unfinished tasks are sent again
   * under the same ids.
   */
  private void askAgain() throws IOException {
    for (Outcome outcome : saved.outcomes()) {
      tasks.restore(saved.task(outcome.task()), outcome);
    }
    for (PlannedTask task : saved.unfinished()) {
      Duration asked = saved.asked(task.id());
      if (asked != null) {
        tasks.ask(planner.make(task, asked), true);
      } else {
        planner.queue(List.of(task));
      }
    }
  }

  /** Returns whether the log says that there is nothing left to do. */
  private boolean isDone() {
    RunEvent.RunClosed closed = saved.closed();
    return closed != null
        && closed.end() == RunEvent.End.DONE
        && (saved.rounds().size() > rounds || isOver());
  }

  private boolean isOver() {
    int last = history.size() - 1;
    return last >= 1 && strategy.isOver(context(last, state, Map.of()));
  }

  private RunResult finish() throws IOException {
    if (federation.mustTrain
        && history.size() > 1
        && history.stream().allMatch(round -> round.trained() == 0)) {
      throw new IllegalStateException("no client trained in any round: the adapter is unchanged");
    }
    Adapter last = state.adapter();
    directory.writeFinalAdapter(last, federation.baseModel);
    History whole = new History(history);
    RunEvent.RunClosed closed =
        new RunEvent.RunClosed(RunEvent.End.DONE, "", whole.last().adapterSha256());
    if (isInLog) { // else it says so already
      events.keep(closed);
    }
    pool.end(closed);
    events.tell(closed);
    return new RunResult(last, whole, best(whole));
  }

  private RunResult.@Nullable Best best(History whole) throws IOException {
    Measure measure = federation.best;
    RoundSummary round = measure == null ? null : measure.best(whole).orElse(null);
    return round == null ? null : new RunResult.Best(round, states.adapter(round));
  }

  /** Notes how the run ends, as far as the log can still be written. */
  private void end(RunEvent.End end, String detail) {
    RunEvent.RunClosed closed = new RunEvent.RunClosed(end, ClientText.shown(detail), "");
    try {
      if (isInLog) {
        events.keep(closed);
      }
    } catch (IOException e) {
      Federation.log.warn(
          "{}: cannot log the end of the run: {}", directory.path(), e.getMessage());
    }
    pool.end(closed);
    events.tell(closed);
  }

  // ---- a round

  private void roundZero() throws IOException, InterruptedException {
    long start = System.nanoTime();
    state = states.write(0, state);
    Map<String, Double> server = strategy.evaluate(context(0, state, present()));
    close(0, start, List.of(), List.of(), Map.of(), Map.of(), server, 0, "");
  }

  private void round(int round) throws IOException, InterruptedException {
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
      opened = new RunEvent.RoundOpened(round, rounds, clients, planned);
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

  private void requireClients(int round) throws IOException, InterruptedException {
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

  // ---- what rounds are told, and what they tell

  private RoundContext context(
      int round, ServerState from, Map<String, Map<String, String>> clients) {
    return new RoundContext(
        round,
        rounds,
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
