package org.edgefit.server;

import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.edgefit.client.ClientText;
import org.edgefit.client.TaskId;
import org.edgefit.federation.Task;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.ResultHeader;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Authorises a client's downloads and uploads. */
final class TransferAdmission {

  private static final Logger log = LoggerFactory.getLogger(TransferAdmission.class);

  private final RunTerms terms;
  private final ReentrantLock lock;
  private final Members members;
  private final AskedTasks tasks;
  private final Map<String, Accepted> accepted = new HashMap<>();

  /** The last answer of a client that was taken. */
  private record Accepted(TaskId task, String sha256) {}

  /**
   * @param lock the one that guards members and tasks
   */
  TransferAdmission(RunTerms terms, ReentrantLock lock, Members members, AskedTasks tasks) {
    this.terms = terms;
    this.lock = lock;
    this.members = members;
    this.tasks = tasks;
  }

  private @Nullable Status refusal(String runId, String id, long instance) {
    if (!runId.equals(terms.runId())) {
      return Status.FAILED_PRECONDITION.withDescription(
          "run: "
              + ClientText.shown(runId, 80)
              + " (expected: "
              + terms.runId()
              + ", this server's run)");
    }
    return members.has(id, instance)
        ? null
        : Status.ABORTED.withDescription(
            "client: "
                + ClientText.shown(id, 80)
                + " has not joined (expected: a session; rejoin, then retry)");
  }

  /**
   * A file to download, or an error status.
   *
   * @param path the file; null if it may have none
   * @param sent what to do when the client has all of it
   */
  record Offer(@Nullable Path path, Status status, Runnable sent) {
    private static Offer of(Path path, Task task, FileRef file) {
      return new Offer(path, Status.OK, () -> task.fetched(file));
    }

    private static Offer refused(Status status) {
      return new Offer(null, status, () -> {});
    }
  }

  /** Decides whether a client may have a file. */
  Offer offer(DownloadRequest request) {
    lock.lock();
    try {
      Status refusal = refusal(request.getRunId(), request.getClientId(), request.getInstance());
      if (refusal != null) {
        return Offer.refused(refusal);
      }
      AskedTasks.Asked asked = tasks.find(request.getClientId(), request.getTask());
      if (asked != null) {
        FileRef adapter = asked.task().plan().adapter();
        FileRef tensors = asked.task().plan().tensors();
        Path tensorsFile = asked.task().tensorsFile();
        if (adapter.sha256().equals(request.getSha256())) {
          return Offer.of(asked.task().adapterFile(), asked.task(), adapter);
        }
        if (tensors != null
            && tensorsFile != null
            && tensors.sha256().equals(request.getSha256())) {
          return Offer.of(tensorsFile, asked.task(), tensors);
        }
      }
      if (!tasks.areComplete()) {
        return Offer.refused(Status.ABORTED.withDescription("the run has not resumed"));
      }
      return Offer.refused(
          Status.FAILED_PRECONDITION.withDescription(
              "task " + request.getTask() + " is over, or has no such file"));
    } finally {
      lock.unlock();
    }
  }

  /** The admission of an upload: its task, or the status to end it with. */
  record Admission(@Nullable Task task, Status status) {}

  /**
   * Decides whether an answer may be sent. A duplicate of an accepted result returns OK if it is
   * identical. A task has one upload: an earlier one, of a broken connection, is cancelled.
   *
   * @param endUpload ends this upload, if the task ends or another takes its place
   */
  Admission admit(ResultHeader header, Runnable endUpload) {
    String id = header.getClientId();
    lock.lock();
    try {
      Status refusal = refusal(header.getRunId(), id, header.getInstance());
      if (refusal != null) {
        return new Admission(null, refusal);
      }
      if (!header.getSha256().matches("([0-9a-f]{64})?")) {
        return new Admission(
            null,
            Status.INVALID_ARGUMENT.withDescription(
                "sha256: " + ClientText.shown(header.getSha256(), 80) + " (expected: 64 digits)"));
      }
      AskedTasks.Asked asked = tasks.find(id, header.getTask());
      if (asked == null || asked.isStoring()) {
        return new Admission(null, statusOfEnded(header));
      }
      Task task = asked.task();
      if (header.getBytes() < 0 || header.getBytes() > task.maxBytes()) {
        String reason =
            "update: "
                + Long.toUnsignedString(header.getBytes())
                + " bytes (expected: at most "
                + task.maxBytes()
                + ")";
        tasks.answer(asked, new Outcome.Rejected(task.id(), id, reason, 0));
        return new Admission(null, Status.INVALID_ARGUMENT.withDescription(reason));
      }
      asked.startUpload(endUpload);
      return new Admission(task, Status.OK);
    } finally {
      lock.unlock();
    }
  }

  private Status statusOfEnded(ResultHeader header) {
    Accepted last = accepted.get(header.getClientId());
    if (last != null && last.task().number() == header.getTask()) {
      return last.sha256().equals(header.getSha256())
          ? Status.OK
          : Status.ALREADY_EXISTS.withDescription(
              "task " + header.getTask() + ": already has another result");
    }
    return tasks.areComplete()
        ? Status.FAILED_PRECONDITION.withDescription(
            "task " + header.getTask() + " is over: late result")
        : Status.ABORTED.withDescription("the run has not resumed yet (expected: retry later)");
  }

  /**
   * Processes a complete upload.
   *
   * @return OK, or why it is not used
   */
  Status complete(Task task, ResultHeader header, Task.Result result) {
    lock.lock();
    try {
      AskedTasks.Asked asked = tasks.find(task.id());
      if (asked == null || asked.isStoring()) {
        return statusOfEnded(header);
      }
      asked.startStoring();
    } finally {
      lock.unlock();
    }
    Outcome outcome;
    try { // reads the whole update, so the lock is free meanwhile
      outcome = task.complete(result);
    } catch (IOException | RuntimeException e) {
      return notStored(task, e);
    }
    lock.lock();
    try {
      AskedTasks.Asked asked = tasks.find(task.id());
      if (outcome == null || asked == null) {
        return Status.FAILED_PRECONDITION.withDescription(
            "task " + task.id() + " is over: late result");
      }
      asked.forgetUpload();
      if (outcome.isUsable()) {
        accepted.put(task.clientId(), new Accepted(task.id(), header.getSha256()));
      }
      tasks.answer(asked, outcome);
    } finally {
      lock.unlock();
    }
    return outcome instanceof Outcome.Rejected rejected
        ? Status.INVALID_ARGUMENT.withDescription(rejected.reason())
        : Status.OK;
  }

  /** Ends a task whose result the server could not store, without blaming the client. */
  Status notStored(Task task, Exception e) {
    log.error("{}: cannot store the result of task {}", task.clientId(), task.id(), e);
    lock.lock();
    try {
      AskedTasks.Asked asked = tasks.find(task.id());
      if (asked != null) {
        asked.forgetUpload();
        String reason = "the server could not store its result: " + Storage.reason(e);
        tasks.answer(asked, new Outcome.Failed(task.id(), task.clientId(), reason));
      }
    } finally {
      lock.unlock();
    }
    return Status.FAILED_PRECONDITION.withDescription(
        "the server could not store the result (server error)");
  }
}
