package org.edgefit.federation;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.ClientText;
import org.edgefit.file.FileFault;
import org.edgefit.run.History;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.run.SavedRun;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.ServerState;
import org.jspecify.annotations.Nullable;

/** One run of a federation, new or resumed: its beginning, its {@link Rounds}, and its end. */
final class FederationRun {

  private final Federation federation;
  private final ClientPool pool;
  private final RunDirectory directory;
  private final SavedRun saved;
  private final int total;
  private final EventLog events;
  private final OpenTasks tasks;
  private final TaskPlanner planner;
  private final PublishedStates states;
  private final Rounds rounds;
  private boolean isInLog;

  FederationRun(Federation federation, RunDirectory directory, int total) {
    this.federation = federation;
    this.pool = federation.clients;
    this.directory = directory;
    this.saved = directory.saved();
    this.total = total;
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
        new TaskPlanner(federation, total, directory, memories, pool::now, tasks::complete);
    this.states = new PublishedStates(directory, federation.baseModel);
    this.rounds = new Rounds(federation, directory, total, events, tasks, planner, states);
  }

  RunResult run() throws IOException, InterruptedException {
    pool.begin(directory.clientsDirectory(), saved.elapsed());
    try {
      begin();
      while (!rounds.areOver()) {
        rounds.next();
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
            ? "stopped in round " + rounds.closed().size() + "; can be resumed there"
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
    Map<String, Object> settings = federation.settings(total);
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
        events.add(new RunEvent.RunResumed(rounds.closed().size(), total, said));
        isInLog = true;
        askAgain();
      }
    }
    tasks.tellOfClients();
    if (rounds.closed().isEmpty()) {
      if (total > 0) {
        rounds.requireClients(0);
      }
      rounds.zero();
    }
  }

  /** Takes up the rounds that are closed, and the tasks of the one that is not. */
  private void restore() throws IOException {
    List<RoundSummary> closed = saved.rounds();
    if (closed.size() - 1 > total) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: rounds: %d (expected: at least %d, which are closed)",
              directory.path(),
              total,
              closed.size() - 1));
    }
    if (!closed.isEmpty()) {
      states.requireFirst(federation.initial);
      ServerState last = states.read(closed.get(closed.size() - 1));
      federation.initial.layout().requireSame(last.adapter().layout());
      rounds.restore(closed, last);
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
    return closed != null && closed.end() == RunEvent.End.DONE && rounds.areOver();
  }

  private RunResult finish() throws IOException {
    if (federation.mustTrain
        && rounds.closed().size() > 1
        && rounds.closed().stream().allMatch(round -> round.trained() == 0)) {
      throw new IllegalStateException("no client trained in any round: the adapter is unchanged");
    }
    Adapter last = rounds.state().adapter();
    directory.writeFinalAdapter(last, federation.baseModel);
    History whole = new History(rounds.closed());
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
}
