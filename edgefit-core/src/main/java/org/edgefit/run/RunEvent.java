package org.edgefit.run;

import java.util.List;
import java.util.Map;
import org.edgefit.client.TaskId;

/**
 * An event of a run. All views of a run are folds over its events: console output, {@code --json},
 * {@code metrics.jsonl}, {@link History}, and the state from which a stopped run resumes.
 */
public sealed interface RunEvent {

  /** Returns the event as a JSON object on one line, as the run's log has it. */
  default String toJson() {
    return RunEventCodec.toJson(this).toString();
  }

  /** An event that the run's log keeps. */
  sealed interface Kept extends RunEvent {}

  /**
   * A run begins.
   *
   * @param runId drawn at random for this run
   * @param settings all of its settings, as in {@code run.json}
   */
  record RunOpened(String runId, Map<String, Object> settings) implements Kept {}

  /**
   * A stopped run resumes.
   *
   * @param round the first round that is not closed
   * @param rounds the rounds that the run is to have now
   * @param notes what was cut or set aside, and what could not be compared
   */
  record RunResumed(int round, int rounds, List<String> notes) implements Kept {}

  /**
   * A round begins.
   *
   * @param round the round, from 1
   * @param rounds the rounds of the run
   * @param available what is known of each client that can be asked, by id
   * @param tasks what is planned, in the order in which it is asked
   */
  record RoundOpened(
      int round, int rounds, Map<String, Map<String, String>> available, List<PlannedTask> tasks)
      implements Kept {

    /** Returns the ids of the clients that are asked. */
    public List<String> clients() {
      return tasks.stream().map(PlannedTask::clientId).toList();
    }
  }

  /**
   * Clients are asked to evaluate a round's adapter.
   *
   * @param round the round
   * @param available what is known of each client that can be asked, by id
   * @param tasks what is planned
   */
  record EvaluationOpened(
      int round, Map<String, Map<String, String>> available, List<PlannedTask> tasks)
      implements Kept {}

  /**
   * A task is sent.
   *
   * @param round the round for which the task was planned
   * @param task the task
   * @param clientId the client's id
   */
  record TaskAsked(int round, TaskId task, String clientId) implements Kept {}

  /**
   * A client's task has ended.
   *
   * @param round the round that was open
   * @param outcome how
   */
  record ClientFinished(int round, Outcome outcome) implements Kept {}

  /**
   * A round has ended, with all of its files on disk. Round 0 is the initial state.
   *
   * @param summary the round
   */
  record RoundClosed(RoundSummary summary) implements Kept {}

  /**
   * A run ends.
   *
   * @param end how
   * @param detail why, where it is not done
   * @param adapterSha256 the hash of the adapter that it ends with; empty where it is not done
   */
  record RunClosed(End end, String detail, String adapterSha256) implements Kept {}

  /** How a run ends. */
  enum End {
    /** Its last round is closed, or its stop condition was met; the final adapter is on disk. */
    DONE,
    /** It was stopped, and can go on. */
    STOPPED,
    /** It could not go on. */
    FAILED
  }

  /**
   * A client joined.
   *
   * @param clientId the client's id
   */
  record ClientJoined(String clientId) implements RunEvent {}

  /**
   * A client left or was lost.
   *
   * @param clientId the client's id
   */
  record ClientLeft(String clientId) implements RunEvent {}
}
