package org.edgefit.server;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import org.edgefit.client.TaskId;
import org.edgefit.federation.Answer;
import org.edgefit.federation.Task;
import org.edgefit.run.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * The tasks that clients have yet to answer, and the answers that the federation has yet to take.
 * Guarded by the lock of {@link GrpcClients}.
 */
final class AskedTasks {

  private final Map<TaskId, Asked> open = new LinkedHashMap<>();
  private final Deque<Answer> answers = new ArrayDeque<>();
  private final Condition changed;
  private boolean areComplete;

  /** A task that its client has yet to answer; its upload is what brings the answer now, if any. */
  static final class Asked {
    private final Task task;
    private final long askedNanos = System.nanoTime();
    private @Nullable Runnable endUpload;
    private boolean isStoring;

    private Asked(Task task) {
      this.task = task;
    }

    Task task() {
      return task;
    }

    String clientId() {
      return task.clientId();
    }

    /** Returns when it was asked, by {@link System#nanoTime}. */
    long askedNanos() {
      return askedNanos;
    }

    /** Returns whether an answer is being stored, which no other one may overtake. */
    boolean isStoring() {
      return isStoring;
    }

    void startStoring() {
      isStoring = true;
    }

    /** Takes an upload for the one that brings the answer, and ends an earlier one. */
    void startUpload(Runnable end) {
      endUpload();
      endUpload = end;
    }

    /** Notes that the upload needs no end from here: it ends itself. */
    void forgetUpload() {
      endUpload = null;
    }

    private void endUpload() {
      if (endUpload != null) {
        endUpload.run();
        endUpload = null;
      }
    }
  }

  /**
   * @param changed is told of each answer
   */
  AskedTasks(Condition changed) {
    this.changed = changed;
  }

  /** Notes that all tasks of a run that was resumed are asked: from here on, others are over. */
  void complete() {
    areComplete = true;
  }

  /** Returns whether a task that is not open is over. */
  boolean areComplete() {
    return areComplete;
  }

  void add(Task task) {
    open.put(task.id(), new Asked(task));
  }

  /** Returns the tasks that have no answer yet, in the order in which they were asked. */
  List<Asked> open() {
    return List.copyOf(open.values());
  }

  /** Returns a task that has no answer yet, or null. */
  @Nullable Asked find(TaskId id) {
    return open.get(id);
  }

  /** Returns a client's task that has no answer yet, or null. */
  @Nullable Asked find(String clientId, long number) {
    Asked asked = number < 1 ? null : open.get(new TaskId(number));
    return asked != null && asked.clientId().equals(clientId) ? asked : null;
  }

  /** Ends a task with an outcome, which the federation takes next. */
  void answer(Asked asked, Outcome outcome) {
    if (open.remove(asked.task.id(), asked)) {
      answers.add(new Answer(asked.task.id(), outcome));
      asked.endUpload();
      changed.signalAll();
    }
  }

  /** Ends a task without an answer, and returns it; null if it has ended. */
  @Nullable Asked cancel(TaskId id) {
    Asked asked = open.remove(id);
    if (asked != null) {
      asked.endUpload();
    }
    return asked;
  }

  boolean hasAnswer() {
    return !answers.isEmpty();
  }

  /** Returns the next answer, or null if there is none. */
  @Nullable Answer poll() {
    return answers.poll();
  }
}
