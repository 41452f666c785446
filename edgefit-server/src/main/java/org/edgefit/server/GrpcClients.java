package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.edgefit.client.ClientText;
import org.edgefit.client.TaskId;
import org.edgefit.federation.Answer;
import org.edgefit.federation.ClientInfo;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.RunClock;
import org.edgefit.federation.Task;
import org.edgefit.proto.Cancel;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The clients that have joined over the network, as a pool that a federation asks. The round loop
 * waits here; the service's threads bring what the clients send.
 */
final class GrpcClients implements ClientPool {

  private static final Logger log = LoggerFactory.getLogger(GrpcClients.class);

  /** How often a waiting round looks whether a lost client's grace is over. */
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final RunTerms terms;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** The clients from which on those that have left are forgotten. */
  private static final int MANY = 1000;

  private final Members members;
  private final Map<TaskId, OpenTask> open = new LinkedHashMap<>();
  private final Map<String, Accepted> accepted = new HashMap<>();
  private final Deque<Answer> answers = new ArrayDeque<>();
  private RunClock clock = RunClock.start(Duration.ZERO);
  private boolean hasBegun;
  private boolean isUnderWay;
  private @Nullable Finished finished;

  /** A task that its client has yet to answer; its upload is what brings the answer now, if any. */
  private static final class OpenTask {
    private final Task task;
    private final long askedNanos = System.nanoTime();
    private @Nullable Runnable endUpload;
    private boolean isStoring;

    OpenTask(Task task) {
      this.task = task;
    }
  }

  /** The last answer of a client that was taken. */
  private record Accepted(TaskId task, String sha256) {}

  GrpcClients(RunTerms terms) {
    this.terms = terms;
    this.members = new Members(terms);
  }

  /** Returns the content hash of the run's base model, or null if no client has joined yet. */
  @Nullable String baseModelHash() {
    lock.lock();
    try {
      return members.baseModelHash();
    } finally {
      lock.unlock();
    }
  }

  // ---- what the federation asks

  @Override
  public void begin(Path memory, Duration elapsed) {
    lock.lock();
    try {
      clock = RunClock.start(elapsed);
      hasBegun = true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Notes that the run waits for clients: from here on, a task that is not open is over. Before
   * that, a run that goes on may yet ask for what a client is at work on.
   */
  private void underWay() {
    if (hasBegun && !isUnderWay) {
      isUnderWay = true;
      members.all().forEach(this::cancelOthers);
    }
  }

  /** Tells a client which of the tasks that it brought are over. */
  private void cancelOthers(Member member) {
    for (long task : member.tasks()) {
      if (find(member.id(), task) == null) {
        member.send(cancellation(task));
      }
    }
  }

  @Override
  public Duration now() {
    return clock.now();
  }

  @Override
  public List<ClientInfo> available() {
    lock.lock();
    try {
      return members.connected();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean await(int minimum, Duration timeout) throws InterruptedException {
    long left = timeout.toNanos();
    lock.lockInterruptibly();
    try {
      underWay();
      while (members.connected().size() < minimum) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean canGrow() {
    return true;
  }

  @Override
  public void ask(Task task) {
    lock.lock();
    try {
      open.put(task.id(), new OpenTask(task));
      Member member = members.find(task.clientId());
      if (member != null && !member.tasks().contains(task.id().number())) {
        member.send(message(task));
      }
    } finally {
      lock.unlock();
    }
  }

  private static ServerMessage message(Task task) {
    return ServerMessage.newBuilder().setTask(WireCodec.toMessage(task)).build();
  }

  private static ServerMessage cancellation(long task) {
    return ServerMessage.newBuilder().setCancel(Cancel.newBuilder().setTask(task)).build();
  }

  @Override
  public @Nullable Answer next(Duration limit) throws InterruptedException {
    long left = limit.toNanos();
    lock.lockInterruptibly();
    try {
      underWay();
      while (answers.isEmpty() && left > 0) {
        endThoseThatAreGone();
        if (answers.isEmpty()) {
          long slice = Math.min(left, POLL_NANOS);
          left -= slice - changed.awaitNanos(slice);
        }
      }
      return answers.poll();
    } finally {
      lock.unlock();
    }
  }

  private void endThoseThatAreGone() {
    for (OpenTask asked : List.copyOf(open.values())) {
      String id = asked.task.clientId();
      Member member = members.find(id);
      long awayFor =
          member == null
              ? System.nanoTime() - asked.askedNanos
              : member.lostForSince(asked.askedNanos);
      if (awayFor > terms.rejoinGrace().toNanos() && !asked.isStoring) {
        String reason =
            (member == null ? "it has not come" : "the connection was lost, and not made again")
                + " within "
                + terms.rejoinGrace().toSeconds()
                + " s";
        answer(asked, new Outcome.Failed(asked.task.id(), id, reason));
      }
    }
  }

  /** Ends a task with an outcome. */
  private void answer(OpenTask asked, Outcome outcome) {
    if (open.remove(asked.task.id(), asked)) {
      answers.add(new Answer(asked.task.id(), outcome));
      endUpload(asked);
      changed.signalAll();
    }
  }

  private static void endUpload(OpenTask asked) {
    if (asked.endUpload != null) {
      asked.endUpload.run();
      asked.endUpload = null;
    }
  }

  @Override
  public void cancel(TaskId id) {
    lock.lock();
    try {
      OpenTask asked = open.remove(id);
      if (asked != null) {
        endUpload(asked);
        Member member = members.find(asked.task.clientId());
        if (member != null) {
          member.send(cancellation(id.number()));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void end(RunEvent.RunClosed end) {
    finish(WireCodec.toMessage(end));
  }

  /** Tells every client how the run ended; the first word counts. */
  void finish(Finished how) {
    lock.lock();
    try {
      if (finished == null) {
        finished = how;
        List.copyOf(open.keySet()).forEach(this::cancel);
        members.dismiss(how);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for clients that are away to come back and be told how the run ended. */
  void awaitLost(Duration limit) throws InterruptedException {
    long left = limit.toNanos();
    lock.lockInterruptibly();
    try {
      while (members.anyUntold() && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- what the clients send

  /**
   * Takes a client in, or takes it back.
   *
   * @return null if it is welcome, else why not
   */
  @Nullable Status join(Join join, StreamObserver<ServerMessage> session) {
    lock.lock();
    try {
      if (members.all().size() >= MANY) {
        Set<String> asked = new HashSet<>();
        open.values().forEach(task -> asked.add(task.task.clientId()));
        members.forgetLost(asked::contains);
      }
      Status refusal = members.refusal(join);
      if (refusal != null) {
        return refusal;
      }
      Member member = members.add(join, session);
      if (finished != null) {
        member.dismiss(ServerMessage.newBuilder().setFinished(finished).build());
        changed.signalAll();
        return null;
      }
      member.send(
          ServerMessage.newBuilder()
              .setWelcome(
                  Welcome.newBuilder()
                      .setRunId(terms.runId())
                      .setSettings(WireCodec.toText(terms.settings())))
              .build());
      for (OpenTask asked : open.values()) {
        boolean isHeld = member.tasks().contains(asked.task.id().number());
        if (asked.task.clientId().equals(member.id()) && !isHeld) {
          member.send(message(asked.task));
        }
      }
      if (isUnderWay) {
        cancelOthers(member);
      }
      changed.signalAll();
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Notes that a session ended. */
  void lost(String id, StreamObserver<ServerMessage> session) {
    lock.lock();
    try {
      if (members.lose(id, session)) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Notes that a client ended its session, and ends the server's side if that is open still. */
  void left(String id, StreamObserver<ServerMessage> session) {
    lock.lock();
    try {
      Member member = members.find(id);
      if (member != null && member.hasSession(session)) {
        session.onCompleted();
        lost(id, session);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes a client's word that it cannot do a task. */
  void failed(String id, TaskFailed failure) {
    lock.lock();
    try {
      OpenTask asked = find(id, failure.getTask());
      if (asked != null && !asked.isStoring) {
        String reason = ClientText.shown(failure.getReason());
        answer(asked, new Outcome.Failed(asked.task.id(), id, reason));
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable OpenTask find(String id, long task) {
    OpenTask asked = task < 1 ? null : open.get(new TaskId(task));
    return asked != null && asked.task.clientId().equals(id) ? asked : null;
  }

  private @Nullable Status refusal(String runId, String id, long instance) {
    if (!runId.equals(terms.runId())) {
      return Status.FAILED_PRECONDITION.withDescription(
          "run: "
              + ClientText.shown(runId, 80)
              + " (expected: "
              + terms.runId()
              + ", which is the run here now)");
    }
    return members.has(id, instance)
        ? null
        : Status.ABORTED.withDescription(
            "client: "
                + ClientText.shown(id, 80)
                + " has not joined (expected: a session; join again, then call again)");
  }

  /**
   * A file that a client may have, or why not.
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
      OpenTask asked = find(request.getClientId(), request.getTask());
      if (asked != null) {
        FileRef adapter = asked.task.plan().adapter();
        FileRef tensors = asked.task.plan().tensors();
        Path tensorsFile = asked.task.tensorsFile();
        if (adapter.sha256().equals(request.getSha256())) {
          return Offer.of(asked.task.adapterFile(), asked.task, adapter);
        }
        if (tensors != null
            && tensorsFile != null
            && tensors.sha256().equals(request.getSha256())) {
          return Offer.of(tensorsFile, asked.task, tensors);
        }
      }
      if (!isUnderWay) {
        return Offer.refused(Status.ABORTED.withDescription("the run has yet to go on"));
      }
      return Offer.refused(
          Status.FAILED_PRECONDITION.withDescription(
              "task " + request.getTask() + " is over, or has no such file"));
    } finally {
      lock.unlock();
    }
  }

  /** What becomes of an announced answer: the task that it answers, or a status to end it with. */
  record Admission(@Nullable Task task, Status status) {}

  /**
   * Decides whether an answer may be sent. A second one after the first was taken is answered OK if
   * it is the same. A task has one upload: an earlier one, of a connection that broke, is ended.
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
      OpenTask asked = find(id, header.getTask());
      if (asked == null || asked.isStoring) {
        return new Admission(null, statusOfEnded(header));
      }
      Task task = asked.task;
      if (header.getBytes() < 0 || header.getBytes() > task.maxBytes()) {
        String reason =
            "update: "
                + Long.toUnsignedString(header.getBytes())
                + " bytes (expected: at most "
                + task.maxBytes()
                + ")";
        answer(asked, new Outcome.Rejected(task.id(), id, reason, 0));
        return new Admission(null, Status.INVALID_ARGUMENT.withDescription(reason));
      }
      endUpload(asked);
      asked.endUpload = endUpload;
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
              "task " + header.getTask() + ": another answer of this client was taken");
    }
    return isUnderWay
        ? Status.FAILED_PRECONDITION.withDescription(
            "task " + header.getTask() + " is over: the answer came too late")
        : Status.ABORTED.withDescription(
            "the run has yet to go on (expected: to send again in a while)");
  }

  /**
   * Takes an answer that is whole.
   *
   * @return OK, or why it is not used
   */
  Status complete(Task task, ResultHeader header, Task.Result result) {
    lock.lock();
    try {
      OpenTask asked = open.get(task.id());
      if (asked == null || asked.isStoring) {
        return statusOfEnded(header);
      }
      asked.isStoring = true;
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
      OpenTask asked = open.get(task.id());
      if (outcome == null || asked == null) {
        return Status.FAILED_PRECONDITION.withDescription(
            "task " + task.id() + " is over: the answer came too late");
      }
      asked.endUpload = null;
      if (outcome.isUsable()) {
        accepted.put(task.clientId(), new Accepted(task.id(), header.getSha256()));
      }
      answer(asked, outcome);
    } finally {
      lock.unlock();
    }
    return outcome instanceof Outcome.Rejected rejected
        ? Status.INVALID_ARGUMENT.withDescription(rejected.reason())
        : Status.OK;
  }

  /** Ends a task whose answer the server could not store: that is not its client's fault. */
  Status notStored(Task task, Exception e) {
    log.error("{}: the answer to task {} could not be stored", task.clientId(), task.id(), e);
    lock.lock();
    try {
      OpenTask asked = open.get(task.id());
      if (asked != null) {
        asked.endUpload = null;
        String reason = "the server could not store its answer: " + Storage.reason(e);
        answer(asked, new Outcome.Failed(task.id(), task.clientId(), reason));
      }
    } finally {
      lock.unlock();
    }
    return Status.FAILED_PRECONDITION.withDescription(
        "the server could not store the answer: its own fault, not the client's");
  }
}
