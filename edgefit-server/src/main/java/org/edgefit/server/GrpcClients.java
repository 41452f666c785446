package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
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
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.run.Outcome;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * The clients joined over gRPC, as a federation's client pool. The round loop waits here; the
 * service's threads deliver what clients send.
 */
final class GrpcClients implements ClientPool {

  /** How often a waiting round looks whether a lost client's grace is over. */
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final RunTerms terms;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** The clients from which on those that have left are forgotten. */
  private static final int MANY = 1000;

  private final Members members;
  private final AskedTasks tasks = new AskedTasks(changed);
  private final TransferAdmission transfers;
  private RunClock clock = RunClock.start(Duration.ZERO);
  private boolean hasBegun;
  private @Nullable Finished finished;

  GrpcClients(RunTerms terms) {
    this.terms = terms;
    this.members = new Members(terms);
    this.transfers = new TransferAdmission(terms, lock, members, tasks);
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

  /** Returns what decides about the files that clients fetch and send. */
  TransferAdmission transfers() {
    return transfers;
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
    if (hasBegun && !tasks.areComplete()) {
      tasks.complete();
      members.all().forEach(this::cancelOthers);
    }
  }

  /** Tells a client which of the tasks that it brought are over. */
  private void cancelOthers(Member member) {
    for (long task : member.tasks()) {
      if (tasks.find(member.id(), task) == null) {
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
      tasks.add(task);
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
      while (!tasks.hasAnswer() && left > 0) {
        endThoseThatAreGone();
        if (!tasks.hasAnswer()) {
          long slice = Math.min(left, POLL_NANOS);
          left -= slice - changed.awaitNanos(slice);
        }
      }
      return tasks.poll();
    } finally {
      lock.unlock();
    }
  }

  private void endThoseThatAreGone() {
    for (AskedTasks.Asked asked : tasks.open()) {
      String id = asked.clientId();
      Member member = members.find(id);
      long awayFor =
          member == null
              ? System.nanoTime() - asked.askedNanos()
              : member.lostForSince(asked.askedNanos());
      if (awayFor > terms.rejoinGrace().toNanos() && !asked.isStoring()) {
        String reason =
            (member == null ? "it did not connect" : "it disconnected and did not reconnect")
                + " within "
                + terms.rejoinGrace().toSeconds()
                + " s";
        tasks.answer(asked, new Outcome.Failed(asked.task().id(), id, reason));
      }
    }
  }

  @Override
  public void cancel(TaskId id) {
    lock.lock();
    try {
      AskedTasks.Asked asked = tasks.cancel(id);
      if (asked != null) {
        Member member = members.find(asked.clientId());
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

  /** Tells every client how the run ended; the first call counts. */
  void finish(Finished how) {
    lock.lock();
    try {
      if (finished == null) {
        finished = how;
        tasks.open().forEach(asked -> cancel(asked.task().id()));
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
   * Accepts a new or returning client.
   *
   * @return null if accepted, else why not
   */
  @Nullable Status join(Join join, StreamObserver<ServerMessage> session) {
    lock.lock();
    try {
      if (members.all().size() >= MANY) {
        Set<String> asked = new HashSet<>();
        tasks.open().forEach(task -> asked.add(task.clientId()));
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
      for (AskedTasks.Asked asked : tasks.open()) {
        boolean isHeld = member.tasks().contains(asked.task().id().number());
        if (asked.clientId().equals(member.id()) && !isHeld) {
          member.send(message(asked.task()));
        }
      }
      if (tasks.areComplete()) {
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
      AskedTasks.Asked asked = tasks.find(id, failure.getTask());
      if (asked != null && !asked.isStoring()) {
        String reason = ClientText.shown(failure.getReason());
        tasks.answer(asked, new Outcome.Failed(asked.task().id(), id, reason));
      }
    } finally {
      lock.unlock();
    }
  }
}
