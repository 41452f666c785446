package org.edgefit.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.edgefit.client.RunSettings;
import org.edgefit.federation.Answer;
import org.edgefit.federation.ClientInfo;
import org.edgefit.federation.FakeTask;
import org.edgefit.federation.PlannedTasks;
import org.edgefit.federation.Task;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.TaskFailed;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What clients are told and what is taken of them, call by call, without a network between. */
@Timeout(60)
class GrpcClientsTest {

  private static final Path ADAPTER = Path.of("adapter");
  private static final Duration AT_ONCE = Duration.ofMillis(1);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final String SHA = "cd".repeat(32);
  private static final String HASH_OF_NOTHING = "e3".repeat(32);

  private GrpcClients clients = clients(Duration.ofHours(1));

  private static GrpcClients clients(Duration grace) {
    return new GrpcClients(new RunTerms("run-1", null, RunSettings.defaults(), grace));
  }

  /** A client's session, which notes what the server says; one that is broken throws. */
  private static final class Session implements StreamObserver<ServerMessage> {
    private final List<String> told = Collections.synchronizedList(new ArrayList<>());
    private boolean isBroken;

    @Override
    public void onNext(ServerMessage message) {
      if (isBroken) {
        throw new IllegalStateException("the call is closed");
      }
      told.add(
          switch (message.getMessageCase()) {
            case WELCOME -> "welcome to " + message.getWelcome().getRunId();
            case TASK -> "task " + message.getTask().getTask();
            case CANCEL -> "cancel " + message.getCancel().getTask();
            case FINISHED ->
                message.getFinished().getEnd() + " " + message.getFinished().getDetail();
            default -> "nothing";
          });
    }

    @Override
    public void onError(Throwable failure) {
      told.add("error");
    }

    @Override
    public void onCompleted() {
      if (isBroken) {
        throw new IllegalStateException("the call is closed");
      }
      told.add("end");
    }
  }

  private static Join join(String id, Long... tasks) {
    return RawClient.join(id).toBuilder().addAllTasks(List.of(tasks)).build();
  }

  private Session joined(String id, Long... tasks) {
    Session session = new Session();
    assertThat(clients.join(join(id, tasks), session)).isNull();
    return session;
  }

  private void underWay() throws InterruptedException {
    clients.begin(Path.of("memory"), Duration.ofMinutes(7));
    clients.next(Duration.ZERO);
  }

  private static Outcome trained(Task task, long examples) {
    return new Outcome.Trained(
        task.id(),
        task.clientId(),
        examples,
        1,
        Map.of(),
        new FileRef("update", 1, SHA),
        false,
        List.of());
  }

  private Task ask(long id, String client, Task.Completion completion) {
    Task task =
        FakeTask.of(
            PlannedTasks.fit(id, client), ADAPTER, Path.of("in"), clients.now(), completion);
    clients.ask(task);
    return task;
  }

  private Task ask(long id, String client) {
    return ask(id, client, (task, result) -> trained(task, result.examples()));
  }

  private static ResultHeader header(String id, long task) {
    return ResultHeader.newBuilder()
        .setRunId("run-1")
        .setClientId(id)
        .setInstance(1)
        .setTask(task)
        .setBytes(10)
        .setSha256(SHA)
        .setExamples(3)
        .build();
  }

  private Status complete(Task task, ResultHeader header) {
    return clients
        .transfers()
        .complete(
            task, header, new Task.Result(header.getExamples(), 1, Map.of(), null, null, false));
  }

  private @Nullable Outcome next(Duration limit) throws InterruptedException {
    Answer answer = clients.next(limit);
    if (answer == null) {
      return null;
    }
    assertThat(answer.task()).isEqualTo(answer.outcome().task());
    return answer.outcome();
  }

  private static void assertStatus(@Nullable Status status, Status.Code code, String text) {
    assertThat(Objects.requireNonNull(status).getCode()).isEqualTo(code);
    assertThat(Objects.requireNonNull(status.getDescription())).isEqualTo(text);
  }

  /** Whatever was called, the pool is free for the next thread that calls. */
  @AfterEach
  void poolIsFree() throws Exception {
    FutureTask<List<ClientInfo>> other = new FutureTask<>(clients::available);
    new Thread(other).start();
    assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo(clients.available());
  }

  // ---- coming and going

  @Test
  void firstClientDecidesTheBaseModelOfARunThatHasNone() {
    assertThat(clients.baseModelHash()).isNull();
    joined("a");
    assertThat(clients.baseModelHash()).isEqualTo(RawClient.HASH);
    Join other = join("b").toBuilder().setBaseModelHash(SHA).build();
    assertStatus(
        clients.join(other, new Session()),
        Status.Code.FAILED_PRECONDITION,
        "base model: " + SHA + " (expected: " + RawClient.HASH + ", the run's)");
    assertThat(clients.available()).extracting(ClientInfo::id).containsExactly("a");
  }

  @Test
  void poolWaitsForSoManyClientsAndNoLongerThanItIsTold() throws Exception {
    assertThat(clients.canGrow()).isTrue();
    joined("a");
    assertThat(clients.await(1, Duration.ZERO)).isTrue();
    assertThat(clients.await(2, AT_ONCE)).isFalse();
    Thread joining = new Thread(() -> joined("b"));
    joining.start();
    assertThat(clients.await(2, LONG)).isTrue();
    joining.join();
  }

  @Test
  void clockGoesOnFromWhereTheRunWas() {
    clients.begin(Path.of("memory"), Duration.ofMinutes(7));
    assertThat(clients.now()).isBetween(Duration.ofMinutes(7), Duration.ofMinutes(8));
  }

  @Test
  void taskIsSentWhenItIsAskedOrWhenItsClientComes() {
    Session here = joined("here");
    ask(1, "here");
    ask(2, "comes");
    ask(3, "here");
    assertThat(here.told).containsExactly("welcome to run-1", "task 1", "task 3");
    assertThat(joined("comes").told).containsExactly("welcome to run-1", "task 2");
  }

  @Test
  void taskThatAClientHasAlreadyIsNotSentAgain() {
    ask(1, "a");
    ask(2, "a");
    assertThat(joined("a", 1L).told).containsExactly("welcome to run-1", "task 2");
    Session held = joined("b", 4L);
    ask(4, "b");
    assertThat(held.told).containsExactly("welcome to run-1");
  }

  @Test
  void tasksThatAreOverAreCancelledOnceTheRunIsUnderWay() throws Exception {
    ask(1, "a");
    Session early = joined("a", 1L, 2L);
    assertThat(early.told).containsExactly("welcome to run-1"); // 2 may yet be asked
    underWay();
    assertThat(early.told).containsExactly("welcome to run-1", "cancel 2");
    assertThat(joined("b", 1L).told) // which is another's
        .containsExactly("welcome to run-1", "cancel 1");
  }

  @Test
  void clientIsListedWithWhatItSaysOfItself() {
    Join join = join("a").toBuilder().putDescription("os", "Linux").build();
    assertThat(clients.join(join, new Session())).isNull();
    assertThat(clients.available()).containsExactly(new ClientInfo("a", Map.of("os", "Linux")));
  }

  @Test
  void ofManyClientsThoseThatLeftAreForgottenUnlessTheyAreAsked() throws Exception {
    for (int i = 0; i < 1000; i++) {
      String id = "home-" + i;
      Session session = joined(id);
      if (i < 500) {
        clients.lost(id, session);
      }
    }
    ask(1, "home-3");
    underWay();
    String known = "task 9 is over, or has no such file";
    assertThat(offer("home-7", 9, SHA).status().getDescription()).isEqualTo(known);
    joined("one-more");
    assertThat(offer("home-3", 9, SHA).status().getDescription()).isEqualTo(known);
    assertThat(offer("home-700", 9, SHA).status().getDescription()).isEqualTo(known);
    assertThat(offer("home-7", 9, SHA).status().getDescription())
        .startsWith("client: home-7 has not joined");
    assertThat(clients.available()).hasSize(501);
  }

  @Test
  void clientThatComesBackTakesThePlaceOfItsLostSession() {
    Session first = joined("a");
    clients.lost("a", first);
    assertThat(clients.available()).isEmpty();
    Session second = joined("a");
    clients.lost("a", first); // heard late, of a session that is no longer its own
    assertThat(clients.available()).extracting(ClientInfo::id).containsExactly("a");
    clients.left("a", first);
    assertThat(clients.available()).hasSize(1);
    clients.left("a", second);
    assertThat(clients.available()).isEmpty();
    assertThat(second.told).endsWith("end");
    assertThat(first.told).doesNotContain("end");
  }

  @Test
  void secondClientOfANameIsRefusedWhileTheFirstIsConnected() {
    Session first = joined("a");
    Join second = join("a").toBuilder().setInstance(2).build();
    assertStatus(
        clients.join(second, new Session()),
        Status.Code.ALREADY_EXISTS,
        "client id: a is in use by another connected client");
    clients.lost("a", first);
    assertThat(clients.join(second, new Session())).isNull();
  }

  @Test
  void sessionThatBreaksWhileItIsWrittenToDoesNoHarm() {
    Session broken = joined("a");
    broken.isBroken = true;
    ask(1, "a");
    clients.finish(Finished.newBuilder().setEnd(Finished.End.DONE).build());
    assertThat(broken.told).containsExactly("welcome to run-1");
  }

  // ---- those that do not answer

  @Test
  void clientThatStaysAwayLongerThanItsGraceHasFailed() throws Exception {
    clients = clients(AT_ONCE);
    Session session = joined("lost");
    ask(1, "lost");
    ask(2, "never");
    clients.lost("lost", session);
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Outcome outcome = Objects.requireNonNull(next(LONG));
      assertThat(outcome).isInstanceOf(Outcome.Failed.class);
      failures.add(outcome.clientId() + ": " + outcome.detail());
    }
    assertThat(failures)
        .containsExactlyInAnyOrder(
            "lost: it disconnected and did not reconnect within 0 s",
            "never: it did not connect within 0 s");
    assertThat(next(AT_ONCE)).isNull();
  }

  @Test
  void clientThatIsConnectedOrHasTimeToReturnHasNotFailed() throws Exception {
    Session session = joined("away");
    joined("here");
    ask(1, "away");
    ask(2, "here");
    clients.lost("away", session);
    assertThat(next(AT_ONCE)).isNull();
    clients = clients(AT_ONCE);
    joined("here");
    ask(1, "here");
    assertThat(next(Duration.ofMillis(20))).isNull();
  }

  @Test
  void clientsOwnFailureEndsItsTaskWithItsReason() throws Exception {
    joined("a");
    joined("b");
    ask(1, "a");
    TaskFailed failure = TaskFailed.newBuilder().setTask(1).setReason("out\nof memory").build();
    clients.failed("b", failure); // which is not b's task
    clients.failed("a", failure.toBuilder().setTask(0).build());
    clients.failed("a", failure.toBuilder().setTask(9).build());
    assertThat(next(AT_ONCE)).isNull();
    clients.failed("a", failure);
    assertThat(Objects.requireNonNull(next(LONG)).detail()).isEqualTo("out\\nof memory");
    clients.failed("a", failure);
    assertThat(next(AT_ONCE)).isNull(); // a task ends once
  }

  @Test
  void failureEndsTheUploadOfItsTask() throws Exception {
    joined("a");
    ask(1, "a");
    underWay();
    List<String> ended = new ArrayList<>();
    clients.transfers().admit(header("a", 1), () -> ended.add("upload"));
    clients.failed("a", TaskFailed.newBuilder().setTask(1).setReason("no").build());
    assertThat(ended).containsExactly("upload");
  }

  @Test
  void cancelledTaskEndsItsUploadAndItsClientIsTold() throws Exception {
    Session session = joined("a");
    Task task = ask(1, "a");
    List<String> ended = new ArrayList<>();
    underWay();
    assertThat(clients.transfers().admit(header("a", 1), () -> ended.add("upload")).task())
        .isSameAs(task);
    clients.cancel(task.id());
    assertThat(ended).containsExactly("upload");
    assertThat(session.told).endsWith("cancel 1");
    clients.cancel(task.id());
    assertThat(ended).hasSize(1);
    assertThat(session.told).filteredOn("cancel 1"::equals).hasSize(1);
    assertStatus(
        complete(task, header("a", 1)),
        Status.Code.FAILED_PRECONDITION,
        "task 1 is over: late result");
    assertThat(next(AT_ONCE)).isNull();
  }

  // ---- downloads

  private TransferAdmission.Offer offer(String id, long task, String sha256) {
    return clients
        .transfers()
        .offer(
            DownloadRequest.newBuilder()
                .setRunId("run-1")
                .setClientId(id)
                .setInstance(1)
                .setTask(task)
                .setSha256(sha256)
                .build());
  }

  @Test
  void clientMayHaveTheFilesOfItsOwnTaskAlone() throws Exception {
    joined("a");
    joined("b");
    ask(1, "a");
    String adapter = PlannedTasks.ADAPTER.sha256();
    assertThat(offer("a", 1, adapter).path()).isEqualTo(ADAPTER);
    assertThat(offer("a", 1, adapter).status().isOk()).isTrue();
    for (TransferAdmission.Offer early : List.of(offer("b", 1, adapter), offer("a", 1, SHA))) {
      assertThat(early.path()).isNull();
      assertStatus(early.status(), Status.Code.ABORTED, "the run has not resumed");
    }
    underWay();
    for (TransferAdmission.Offer none : List.of(offer("b", 1, adapter), offer("a", 1, SHA))) {
      assertStatus(
          none.status(), Status.Code.FAILED_PRECONDITION, "task 1 is over, or has no such file");
    }
    assertStatus(
        offer("c", 1, adapter).status(),
        Status.Code.ABORTED,
        "client: c has not joined (expected: a session; rejoin, then retry)");
    assertStatus(
        clients.transfers().offer(DownloadRequest.newBuilder().setRunId("old").build()).status(),
        Status.Code.FAILED_PRECONDITION,
        "run: old (expected: run-1, this server's run)");
  }

  @Test
  void tensorsAreOfferedBesideTheAdapterAndWhatWasSentIsCounted() throws Exception {
    joined("a");
    PlannedTask plain = PlannedTasks.fit(1, "a");
    PlannedTask plan =
        new PlannedTask(
            plain.id(),
            plain.round(),
            plain.kind(),
            plain.clientId(),
            plain.adapter(),
            plain.lora(),
            plain.training(),
            plain.config(),
            new FileRef("tensors", 30, SHA),
            plain.expected(),
            plain.memory(),
            plain.horizon(),
            plain.machine());
    AtomicLong fetched = new AtomicLong();
    Path tensors = Path.of("tensors");
    clients.ask(
        FakeTask.of(
            plan, ADAPTER, tensors, Path.of("in"), clients.now(), (task, result) -> null, fetched));
    TransferAdmission.Offer offered = offer("a", 1, SHA);
    assertThat(offered.path()).isEqualTo(tensors);
    assertThat(fetched).hasValue(0); // it is on offer, not sent
    offered.sent().run();
    assertThat(fetched).hasValue(30);
    TransferAdmission.Offer adapter = offer("a", 1, plan.adapter().sha256());
    assertThat(adapter.path()).isEqualTo(ADAPTER);
    adapter.sent().run();
    assertThat(fetched).hasValue(30 + plan.adapter().bytes());
    assertThat(offer("a", 1, HASH_OF_NOTHING).path()).isNull();
  }

  // ---- answers

  @Test
  void answerIsTakenOnceAndTheSameOneIsAnsweredTheSame() throws Exception {
    joined("a");
    Task task = ask(1, "a");
    underWay();
    assertThat(clients.transfers().admit(header("a", 1), () -> {}).status().isOk()).isTrue();
    assertThat(complete(task, header("a", 1)).isOk()).isTrue();
    assertThat(Objects.requireNonNull(next(LONG)).examples()).isEqualTo(3);

    TransferAdmission.Admission again = clients.transfers().admit(header("a", 1), () -> {});
    assertThat(again.task()).isNull();
    assertThat(again.status().isOk()).isTrue();
    ResultHeader other = header("a", 1).toBuilder().setSha256("ef".repeat(32)).build();
    assertStatus(
        clients.transfers().admit(other, () -> {}).status(),
        Status.Code.ALREADY_EXISTS,
        "task 1: already has another result");
    assertStatus(
        clients.transfers().admit(header("a", 2), () -> {}).status(),
        Status.Code.FAILED_PRECONDITION,
        "task 2 is over: late result");
    assertThat(next(AT_ONCE)).isNull();
  }

  @Test
  void answerBeforeTheRunGoesOnIsToBeSentAgain() {
    joined("a", 1L);
    assertStatus(
        clients.transfers().admit(header("a", 1), () -> {}).status(),
        Status.Code.ABORTED,
        "the run has not resumed yet (expected: retry later)");
  }

  @Test
  void newUploadTakesThePlaceOfTheOneBefore() throws Exception {
    joined("a");
    Task task = ask(1, "a");
    underWay();
    List<Integer> ended = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      int number = i;
      assertThat(clients.transfers().admit(header("a", 1), () -> ended.add(number)).task())
          .isSameAs(task);
    }
    assertThat(ended).containsExactly(1, 2);
    complete(task, header("a", 1));
    assertThat(ended).containsExactly(1, 2); // the third was not broken off, it is whole
  }

  @Test
  void uploadBeyondTheTasksLimitEndsTheTask() throws Exception {
    joined("a");
    joined("b");
    Task a = ask(1, "a");
    Task b = ask(2, "b");
    underWay();
    ResultHeader most = header("a", 1).toBuilder().setBytes(a.maxBytes()).build();
    assertThat(clients.transfers().admit(most, () -> {}).task()).isSameAs(a);
    String reason =
        "update: " + (b.maxBytes() + 1) + " bytes (expected: at most " + b.maxBytes() + ")";
    ResultHeader more = header("b", 2).toBuilder().setBytes(b.maxBytes() + 1).build();
    assertStatus(
        clients.transfers().admit(more, () -> {}).status(), Status.Code.INVALID_ARGUMENT, reason);
    Outcome outcome = Objects.requireNonNull(next(LONG));
    assertThat(outcome).isEqualTo(new Outcome.Rejected(b.id(), "b", reason, 0));
    // An unsigned number beyond a long's is told as it was sent.
    ResultHeader negative = header("a", 1).toBuilder().setBytes(-1).build();
    assertThat(clients.transfers().admit(negative, () -> {}).status().getDescription())
        .startsWith("update: 18446744073709551615 bytes (expected: at most ");
  }

  @Test
  void hashThatIsNoneIsRefusedAndItsTaskStaysOpen() throws Exception {
    joined("a");
    Task task = ask(1, "a");
    underWay();
    for (String hash : List.of("x", "CD".repeat(32), SHA + "0", "a\nb")) {
      Status status =
          clients
              .transfers()
              .admit(header("a", 1).toBuilder().setSha256(hash).build(), () -> {})
              .status();
      assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(status.getDescription()).startsWith("sha256: ").endsWith("(expected: 64 digits)");
    }
    ResultHeader none = header("a", 1).toBuilder().setSha256("").setBytes(0).build();
    assertThat(clients.transfers().admit(none, () -> {}).task()).isSameAs(task);
  }

  @Test
  void rejectedAnswerEndsItsTaskWithTheReason() throws Exception {
    joined("a");
    Task task =
        ask(1, "a", (of, result) -> new Outcome.Rejected(of.id(), of.clientId(), "examples: 0", 5));
    underWay();
    assertStatus(complete(task, header("a", 1)), Status.Code.INVALID_ARGUMENT, "examples: 0");
    assertThat(Objects.requireNonNull(next(LONG)).name()).isEqualTo("rejected");
    // It was not taken, so another is too late.
    assertThat(clients.transfers().admit(header("a", 1), () -> {}).status().getDescription())
        .endsWith("late result");
  }

  @Test
  void answerThatTheRunNoLongerTakesIsTooLate() throws Exception {
    joined("a");
    Task task = ask(1, "a", (of, result) -> null);
    underWay();
    assertStatus(
        complete(task, header("a", 1)),
        Status.Code.FAILED_PRECONDITION,
        "task 1 is over: late result");
  }

  @Test
  void whileAnAnswerIsStoredNothingElseEndsItsTask() throws Exception {
    clients = clients(AT_ONCE);
    Session session = joined("a");
    List<Status> others = new ArrayList<>();
    Task task =
        ask(
            1,
            "a",
            (of, result) -> {
              clients.lost("a", session);
              clients.failed("a", TaskFailed.newBuilder().setTask(1).setReason("no").build());
              others.add(clients.transfers().admit(header("a", 1), () -> {}).status());
              try {
                assertThat(clients.next(Duration.ofMillis(20))).isNull();
              } catch (InterruptedException e) {
                throw new IOException(e);
              }
              return trained(of, 3);
            });
    underWay();
    assertThat(complete(task, header("a", 1)).isOk()).isTrue();
    assertThat(others).extracting(Status::getCode).containsExactly(Status.Code.FAILED_PRECONDITION);
    assertThat(Objects.requireNonNull(next(LONG)).name()).isEqualTo("trained");
  }

  @Test
  void answerThatCannotBeStoredIsTheServersOwnFault() throws Exception {
    joined("a");
    Task task =
        ask(
            1,
            "a",
            (of, result) -> {
              throw new FileSystemException("/srv/run/a", null, "No space left on device");
            });
    underWay();
    assertStatus(
        complete(task, header("a", 1)),
        Status.Code.FAILED_PRECONDITION,
        "the server could not store the result (server error)");
    assertThat(Objects.requireNonNull(next(LONG)))
        .isEqualTo(
            new Outcome.Failed(
                task.id(), "a", "the server could not store its result: No space left on device"));
  }

  @Test
  void whatTheDiskSaysIsToldWithoutTheServersPaths() {
    assertThat(Storage.reason(new IOException("x", new NoSuchFileException("/srv/run/a"))))
        .isEqualTo("NoSuchFileException");
    assertThat(Storage.reason(new FileSystemException("/srv/a", null, "Read-only\u001b")))
        .isEqualTo("Read-only\\u001b");
    assertThat(Storage.reason(new IOException("writing /srv/run/a.tmp: broken, and C:\\run\\b")))
        .isEqualTo("writing a file broken, and a file");
    assertThat(Storage.reason(new IllegalStateException("out of it", new IOException("disk full"))))
        .isEqualTo("disk full");
  }

  // ---- the end

  @Test
  void endIsToldOnceToThoseThatAreHereAndThoseThatCome() throws Exception {
    Session here = joined("here");
    Session away = joined("away");
    ask(1, "here");
    clients.lost("away", away);
    clients.end(new RunEvent.RunClosed(RunEvent.End.STOPPED, "by its user", ""));
    clients.finish(Finished.newBuilder().setEnd(Finished.End.FAILED).setDetail("late").build());
    assertThat(here.told)
        .containsExactly("welcome to run-1", "task 1", "cancel 1", "STOPPED by its user", "end");
    assertThat(clients.available()).isEmpty();
    clients.awaitLost(AT_ONCE); // away has not come
    assertThat(joined("away").told).containsExactly("STOPPED by its user", "end");
    assertThat(joined("new").told).containsExactly("STOPPED by its user", "end");
    clients.awaitLost(LONG); // nobody is left to wait for
  }

  @Test
  void serverWaitsUntilThoseThatAreAwayWereTold() throws Exception {
    clients.lost("away", joined("away"));
    clients.finish(Finished.newBuilder().setEnd(Finished.End.DONE).build());
    Session back = new Session();
    Thread returning = new Thread(() -> clients.join(join("away"), back));
    returning.start();
    clients.awaitLost(LONG);
    assertThat(back.told).containsExactly("DONE ", "end");
    returning.join();
  }

  @Test
  void evaluationIsToldAsOne() {
    Session session = joined("a");
    PlannedTask plan = PlannedTasks.evaluate(5, "a");
    List<ServerMessage> sent = new ArrayList<>();
    StreamObserver<ServerMessage> noting =
        new StreamObserver<>() {
          @Override
          public void onNext(ServerMessage message) {
            sent.add(message);
          }

          @Override
          public void onError(Throwable failure) {}

          @Override
          public void onCompleted() {}
        };
    clients.lost("a", session);
    assertThat(clients.join(join("a"), noting)).isNull();
    clients.ask(FakeTask.of(plan, ADAPTER, Path.of("in"), clients.now(), (task, result) -> null));
    org.edgefit.proto.Task task = sent.get(1).getTask();
    assertThat(task.getKind()).isEqualTo(org.edgefit.proto.Task.Kind.EVALUATE);
    assertThat(task.getRound()).isEqualTo(1);
    assertThat(task.getRounds()).isEqualTo(2);
    assertThat(task.getAdapter().getSha256()).isEqualTo(PlannedTasks.ADAPTER.sha256());
    assertThat(task.getAdapter().getBytes()).isEqualTo(PlannedTasks.ADAPTER.bytes());
    assertThat(task.hasTensors()).isFalse();
  }
}
