package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.edgefit.client.ClientId;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.FitInstruction;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.EvaluateRequest;
import org.edgefit.federation.FitRequest;
import org.edgefit.format.Sha256;
import org.edgefit.proto.AdapterFile;
import org.edgefit.proto.EvaluateReport;
import org.edgefit.proto.EvaluateTask;
import org.edgefit.proto.Finished;
import org.edgefit.proto.FitTask;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.UpdateHeader;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.IncomingFile;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.run.UpdateStore;
import org.edgefit.strategy.EvaluateOutcome;
import org.edgefit.strategy.FitOutcome;
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

  /** Bytes per tensor that a safetensors header may take beside the tensor's name. */
  private static final int HEADER_BYTES_PER_TENSOR = 200;

  private final RunTerms terms;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final TreeMap<String, Member> members = new TreeMap<>();
  private @Nullable String baseModelHash;
  private @Nullable Task<FitOutcome> fit;
  private @Nullable FitRequest fitRequest;
  private @Nullable Task<EvaluateOutcome> evaluation;
  private boolean closed;
  private ServerMessage last = ServerMessage.getDefaultInstance();

  GrpcClients(RunTerms terms) {
    this.terms = terms;
    this.baseModelHash = terms.baseModelHash();
  }

  /** Returns the content hash of the run's base model, or null if no client has joined yet. */
  @Nullable String baseModelHash() {
    lock.lock();
    try {
      return baseModelHash;
    } finally {
      lock.unlock();
    }
  }

  // ---- what the federation asks

  @Override
  public List<String> available() {
    lock.lock();
    try {
      return members.values().stream().filter(Member::isConnected).map(Member::id).toList();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean await(int minimum, Duration timeout) throws InterruptedException {
    long left = timeout.toNanos();
    lock.lockInterruptibly();
    try {
      while (available().size() < minimum) {
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
  public Map<String, String> description(String clientId) {
    lock.lock();
    try {
      Member member = members.get(clientId);
      return member == null ? Map.of() : member.description();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<FitOutcome> fit(FitRequest request) throws InterruptedException {
    AdapterFile adapter = describe(request.round() - 1, request.adapterFile());
    Map<String, ServerMessage> messages = new LinkedHashMap<>();
    request.instructions().forEach((id, asked) -> messages.put(id, message(asked, adapter)));
    Task<FitOutcome> task = new Task<>(request.round(), request.adapterFile(), messages);
    lock.lockInterruptibly();
    try {
      fit = task;
      fitRequest = request;
      askAll(task);
      awaitAll(
          task,
          request.deadline(),
          id -> task.finish(id, new FitOutcome.TimedOut(id, request.deadline())),
          id -> task.finish(id, new FitOutcome.Failed(id, goneReason())),
          request.finished());
      return task.outcomes();
    } finally {
      fit = null;
      fitRequest = null;
      lock.unlock();
    }
  }

  @Override
  public List<EvaluateOutcome> evaluate(EvaluateRequest request) throws InterruptedException {
    EvaluateInstruction asked = request.instruction();
    ServerMessage message =
        ServerMessage.newBuilder()
            .setEvaluate(
                EvaluateTask.newBuilder()
                    .setRound(asked.round())
                    .setAdapter(describe(asked.round(), request.adapterFile()))
                    .setLora(WireCodec.toMessage(asked.adapter().config()))
                    .setTraining(WireCodec.toMessage(asked.training())))
            .build();
    Map<String, ServerMessage> messages = new LinkedHashMap<>();
    request.clients().forEach(id -> messages.put(id, message));
    Task<EvaluateOutcome> task = new Task<>(asked.round(), request.adapterFile(), messages);
    lock.lockInterruptibly();
    try {
      evaluation = task;
      askAll(task);
      String late = "no answer in " + request.deadline().toSeconds() + " s";
      awaitAll(
          task,
          request.deadline(),
          id -> task.finish(id, new EvaluateOutcome.NotEvaluated(id, late)),
          id -> task.finish(id, new EvaluateOutcome.NotEvaluated(id, goneReason())),
          outcome -> log.debug("{}", outcome));
      return task.outcomes();
    } finally {
      evaluation = null;
      lock.unlock();
    }
  }

  private void askAll(Task<?> task) {
    for (String id : task.pending()) {
      Member member = members.get(id);
      if (member != null) {
        member.send(task.messageFor(id));
      }
    }
  }

  /** Waits for every client of a task; ends the wait for those that are late or gone. */
  private <T> void awaitAll(
      Task<T> task,
      Duration deadline,
      Consumer<String> late,
      Consumer<String> gone,
      Consumer<T> finished)
      throws InterruptedException {
    long left = deadline.toNanos();
    while (!task.isDone()) {
      for (String id : task.pending()) {
        if (left <= 0) {
          late.accept(id);
        } else if (isGone(id)) {
          gone.accept(id);
        }
      }
      tell(task.takeUntold(), finished);
      if (!task.isDone()) {
        long slice = Math.min(left, POLL_NANOS);
        left -= slice - changed.awaitNanos(slice);
      }
    }
    tell(task.takeUntold(), finished);
  }

  /** Tells of outcomes with the lock given up, since listeners may take their time. */
  private <T> void tell(List<T> outcomes, Consumer<T> finished) {
    if (outcomes.isEmpty()) {
      return;
    }
    lock.unlock();
    try {
      outcomes.forEach(finished);
    } finally {
      lock.lock();
    }
  }

  private boolean isGone(String id) {
    Member member = members.get(id);
    return member == null || member.lostFor() > terms.rejoinGrace().toNanos();
  }

  private String goneReason() {
    return "the connection was lost, and not made again within "
        + terms.rejoinGrace().toSeconds()
        + " s";
  }

  private static ServerMessage message(FitInstruction asked, AdapterFile adapter) {
    return ServerMessage.newBuilder()
        .setFit(
            FitTask.newBuilder()
                .setRound(asked.round())
                .setRounds(asked.rounds())
                .setAdapter(adapter)
                .setLora(WireCodec.toMessage(asked.adapter().config()))
                .setTraining(WireCodec.toMessage(asked.training()))
                .setSeed(asked.seed().value()))
        .build();
  }

  private static AdapterFile describe(int round, Path file) {
    try {
      return AdapterFile.newBuilder()
          .setRound(round)
          .setBytes(Files.size(file))
          .setSha256(Sha256.of(file))
          .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Tells every client that the run is over.
   *
   * @param failure why it ended before its last round; empty if it did not
   */
  void finish(String failure) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      last =
          ServerMessage.newBuilder().setFinished(Finished.newBuilder().setFailure(failure)).build();
      members.values().forEach(member -> member.dismiss(last));
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
    if (join.getProtocol() != WireCodec.PROTOCOL) {
      return Status.FAILED_PRECONDITION.withDescription(
          "protocol: " + join.getProtocol() + " (expected: " + WireCodec.PROTOCOL + ")");
    }
    String id;
    try {
      id = ClientId.require(join.getClientId());
    } catch (IllegalArgumentException e) {
      return Status.INVALID_ARGUMENT.withDescription(e.getMessage());
    }
    lock.lock();
    try {
      if (closed) {
        session.onNext(last);
        session.onCompleted();
        return null;
      }
      Member known = members.get(id);
      if (known != null && known.isConnected() && known.instance() != join.getInstance()) {
        return Status.ALREADY_EXISTS.withDescription(
            "client id: " + id + " is in use by another connected client");
      }
      if (baseModelHash == null) {
        baseModelHash = join.getBaseModelHash();
        log.info("base model of the run: {}, as {} has it", baseModelHash, id);
      } else if (!baseModelHash.equals(join.getBaseModelHash())) {
        return Status.FAILED_PRECONDITION.withDescription(
            "base model: "
                + join.getBaseModelHash()
                + " (expected: "
                + baseModelHash
                + ", the run's)");
      }
      Member member = new Member(id, join.getInstance(), join.getDescriptionMap(), session);
      members.put(id, member);
      member.send(
          ServerMessage.newBuilder()
              .setWelcome(
                  Welcome.newBuilder()
                      .setRunId(terms.runId())
                      .setLora(WireCodec.toMessage(terms.lora()))
                      .setTraining(WireCodec.toMessage(terms.training())))
              .build());
      if (fit != null && fit.isPending(id) && join.getBusyRound() != fit.round()) {
        member.send(fit.messageFor(id));
      }
      if (evaluation != null && evaluation.isPending(id)) {
        member.send(evaluation.messageFor(id));
      }
      log.info("{} {}", id, known == null ? "joined" : "is back");
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
      Member member = members.get(id);
      if (member != null && member.hasSession(session)) {
        member.lose();
        log.info("{}: connection lost", id);
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
      Member member = members.get(id);
      if (member != null && member.hasSession(session)) {
        session.onCompleted();
        lost(id, session);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes a client's evaluation. */
  void evaluated(String id, EvaluateReport report) {
    lock.lock();
    try {
      if (evaluation != null && evaluation.round() == report.getRound()) {
        EvaluateOutcome outcome =
            report.getExamples() > 0
                    && report.getMetricsMap().values().stream().allMatch(Double::isFinite)
                ? new EvaluateOutcome.Evaluated(id, report.getExamples(), report.getMetricsMap())
                : new EvaluateOutcome.NotEvaluated(
                    id,
                    "examples "
                        + report.getExamples()
                        + ", metrics "
                        + report.getMetricsMap()
                        + " (expected: at least one example, and finite numbers)");
        if (evaluation.finish(id, outcome)) {
          changed.signalAll();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Takes a client's word that it cannot do a task. */
  void failed(String id, TaskFailed failure) {
    lock.lock();
    try {
      if (failure.getEvaluate()) {
        if (evaluation != null && evaluation.round() == failure.getRound()) {
          evaluation.finish(id, new EvaluateOutcome.NotEvaluated(id, failure.getReason()));
          changed.signalAll();
        }
      } else if (fit != null && fit.round() == failure.getRound()) {
        fit.finish(id, new FitOutcome.Failed(id, failure.getReason()));
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Returns the file of the adapter after a round, if a client may have it now; else null. */
  @Nullable Path adapterFor(String id, long instance, int round) {
    lock.lock();
    try {
      if (!isMember(id, instance)) {
        return null;
      }
      if (fit != null && fit.round() - 1 == round && fit.isPending(id)) {
        return fit.adapterFile();
      }
      if (evaluation != null && evaluation.round() == round && evaluation.isPending(id)) {
        return evaluation.adapterFile();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private boolean isMember(String id, long instance) {
    Member member = members.get(id);
    return member != null && member.instance() == instance;
  }

  /** What becomes of an announced upload: a place to write it, or a status to end it with. */
  record Admission(@Nullable UpdateStore store, Status status) {}

  /**
   * Decides whether an update may be sent. A second one after the first was taken is answered OK.
   */
  Admission admit(UpdateHeader header) {
    String id = header.getClientId();
    lock.lock();
    try {
      if (!isMember(id, header.getInstance())) {
        return new Admission(
            null, Status.FAILED_PRECONDITION.withDescription("client: " + id + " has not joined"));
      }
      Task<FitOutcome> task = fit;
      FitRequest request = fitRequest;
      if (task == null || request == null || task.round() != header.getRound()) {
        return new Admission(
            null,
            Status.FAILED_PRECONDITION.withDescription(
                "round " + header.getRound() + " is over: the update came too late"));
      }
      if (!task.isPending(id)) {
        FitOutcome outcome = task.outcome(id);
        return new Admission(
            null,
            outcome instanceof FitOutcome.Trained
                ? Status.OK
                : Status.FAILED_PRECONDITION.withDescription(
                    id + " is no longer asked in round " + header.getRound() + ": " + outcome));
      }
      long most = mostBytes();
      if (header.getBytes() < 0 || header.getBytes() > most) {
        String reason = "update: " + header.getBytes() + " bytes (expected: at most " + most + ")";
        task.finish(id, new FitOutcome.Rejected(id, reason));
        changed.signalAll();
        return new Admission(null, Status.INVALID_ARGUMENT.withDescription(reason));
      }
      return new Admission(request.updates(), Status.OK);
    } finally {
      lock.unlock();
    }
  }

  private long mostBytes() {
    long header = 1024;
    for (var tensor : terms.layout().tensors()) {
      header += HEADER_BYTES_PER_TENSOR + tensor.name().length();
    }
    return terms.layout().bytes() + header;
  }

  /**
   * Takes a verified update: gives its file its name, checks it, and records the outcome, unless
   * the client is no longer asked.
   *
   * @return OK, or why the update is not used
   */
  Status uploaded(UpdateHeader header, UpdateStore store, IncomingFile file) throws IOException {
    String id = header.getClientId();
    Status tooLate =
        Status.FAILED_PRECONDITION.withDescription(
            "round " + header.getRound() + " is over: the update came too late");
    Task<FitOutcome> task;
    FitRequest request;
    lock.lock();
    try {
      task = fit;
      request = fitRequest;
      if (task == null
          || request == null
          || task.round() != header.getRound()
          || !isMember(id, header.getInstance())
          || !task.beginStoring(id)) {
        return tooLate;
      }
    } finally {
      lock.unlock();
    }
    FitOutcome outcome;
    try { // reads the whole update, so the lock is free meanwhile
      file.publish();
      outcome = request.check().apply(open(header, store));
    } catch (IOException | RuntimeException e) {
      lock.lock();
      try {
        task.abandonStoring(id);
      } finally {
        lock.unlock();
      }
      throw e;
    }
    lock.lock();
    try {
      if (!task.finish(id, outcome)) { // the deadline passed meanwhile
        store.setAside(id);
        return tooLate;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    return outcome instanceof FitOutcome.Rejected rejected
        ? Status.INVALID_ARGUMENT.withDescription(rejected.reason())
        : Status.OK;
  }

  private static FitOutcome open(UpdateHeader header, UpdateStore store) {
    String id = header.getClientId();
    try {
      return new FitOutcome.Trained(
          id,
          header.getExamples(),
          header.getLabelTokens(),
          store.open(id),
          header.getMetricsMap());
    } catch (IOException | IllegalArgumentException e) {
      return new FitOutcome.Rejected(id, String.valueOf(e.getMessage()));
    }
  }
}
