package org.edgefit.client.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.federation.FakeClient;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.AdapterFile;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.format.safetensors.TensorFile;
import org.edgefit.proto.Cancel;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.Task;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A client's side of a run, over real gRPC with a server that says what a test has it say. */
@Timeout(60)
class ServerConnectionTest {

  private static final String HASH = "ab".repeat(32);
  private static final FakeClient ADDING = FakeClient.adding("home", 2, 5);

  @TempDir Path temp;
  private FakeServer server;
  private ServerConnection connection;
  private FutureTask<Void> running;

  @BeforeEach
  void listen() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void close() {
    if (connection != null) {
      connection.close();
    }
    server.close();
  }

  private Path work() {
    return temp.resolve("work");
  }

  private JoinRequest request(Duration patience, JoinRequest.ClientFactory clients) {
    return new JoinRequest(
        "home",
        HASH,
        FakeClient.LAYERS,
        Map.of("os", "Linux"),
        work(),
        temp.resolve("state"),
        patience,
        clients);
  }

  private FakeServer.Session dialled(JoinRequest request) throws InterruptedException {
    connection = new ServerConnection("127.0.0.1", server.port(), request);
    running =
        new FutureTask<>(
            () -> {
              connection.run();
              return null;
            });
    new Thread(running, "connection").start();
    return server.next();
  }

  private FakeServer.Session dialled(FakeClient client) throws InterruptedException {
    return dialled(request(Duration.ofMinutes(1), settings -> client));
  }

  /** Dials, and is welcomed to the run {@code run-1}. */
  private FakeServer.Session joined(FakeClient client) throws InterruptedException {
    FakeServer.Session session = dialled(client);
    session.join();
    session.welcome("run-1");
    return session;
  }

  /** Returns what the connection's run ended with; null if it ended well. */
  private Throwable end() throws InterruptedException {
    try {
      running.get(30, TimeUnit.SECONDS);
      return null;
    } catch (java.util.concurrent.ExecutionException e) {
      return e.getCause();
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("the connection is still there", e);
    }
  }

  private Task.Builder task(long id, Task.Kind kind) throws IOException {
    Path adapter = temp.resolve("global.safetensors");
    AdapterFile.write(FakeClient.start(), adapter);
    return Task.newBuilder()
        .setTask(id)
        .setKind(kind)
        .setRound(3)
        .setRounds(7)
        .setAdapter(server.offer(adapter))
        .setLora(Json.line(FakeClient.LORA))
        .setTraining(Json.line(Training.defaults().toBuilder().epochs(4).build()))
        .setConfig("{\"mu\":0.5}")
        .setSeed(99);
  }

  private void finishAndEnd(FakeServer.Session session) throws InterruptedException {
    session.finish(Finished.End.DONE, "");
    assertThat(end()).isNull();
    connection.close(); // which waits for the step that is at work
    if (Files.exists(work())) {
      assertThat(work()).isEmptyDirectory();
    }
  }

  // ---- joining

  @Test
  void clientSaysWhoItIsAndWhatItHas() throws Exception {
    FakeServer.Session session = dialled(ADDING);
    Join join = session.join();
    assertThat(join.getProtocol()).isEqualTo(WireCodec.PROTOCOL);
    assertThat(join.getClientId()).isEqualTo("home");
    assertThat(join.getBaseModelHash()).isEqualTo(HASH);
    assertThat(join.getDescriptionMap()).containsOnly(Map.entry("os", "Linux"));
    assertThat(join.getRunId()).isEmpty();
    assertThat(join.getTasksList()).isEmpty();
    session.welcome("run-1");
    finishAndEnd(session);
  }

  @Test
  void settingsOfTheRunReachTheClientThatIsMade() throws Exception {
    LinkedBlockingQueue<RunSettings> seen = new LinkedBlockingQueue<>();
    FakeServer.Session session =
        dialled(
            request(
                Duration.ofMinutes(1),
                settings -> {
                  seen.add(settings);
                  return ADDING;
                }));
    session.join();
    session.welcome("run-1");
    assertThat(seen.poll(20, TimeUnit.SECONDS)).isEqualTo(RunSettings.defaults());
    finishAndEnd(session);
    assertThat(seen).isEmpty(); // it is made once
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"FAILED_PRECONDITION", "INVALID_ARGUMENT", "UNIMPLEMENTED"})
  void refusalEndsItWithTheServersReason(Status.Code code) throws Exception {
    dialled(ADDING).end(code.toStatus().withDescription("protocol: 3\n (expected: 4)"));
    assertThat(end())
        .isInstanceOf(JoinRefusedException.class)
        .hasMessage("protocol: 3\\n (expected: 4)");
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"ALREADY_EXISTS", "UNAVAILABLE", "RESOURCE_EXHAUSTED"})
  void whatMayPassIsTriedAgain(Status.Code code) throws Exception {
    FakeServer.Session first = dialled(ADDING);
    long instance = first.join().getInstance();
    first.end(code.toStatus().withDescription("client id: home is in use"));
    FakeServer.Session second = server.next();
    assertThat(second.join().getInstance()).isEqualTo(instance);
    second.welcome("run-1");
    finishAndEnd(second);
  }

  @Test
  void clientGivesUpWhenItsPatienceEndsAndSaysWhy() throws Exception {
    dialled(request(Duration.ZERO, settings -> ADDING))
        .end(Status.ALREADY_EXISTS.withDescription("client id: home is in use"));
    assertThat(end())
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(JoinRefusedException.class)
        .hasMessage("127.0.0.1:" + server.port() + ": no reply in 0 s: client id: home is in use");
  }

  @Test
  void serverThatIsNotThereIsToldWithItsAddress() throws Exception {
    int port = server.port();
    server.close();
    connection = new ServerConnection("127.0.0.1", port, request(Duration.ZERO, s -> ADDING));
    running =
        new FutureTask<>(
            () -> {
              connection.run();
              return null;
            });
    running.run();
    assertThat(end())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("127.0.0.1:" + port + ": no reply in 0 s: ")
        .hasMessageContaining("onnection refused");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "../x", "-a", "a/b", "a b", ".", "run\u001b"})
  void runIdThatCouldNotNameAFolderIsRefused(String runId) throws Exception {
    FakeServer.Session session = dialled(ADDING);
    session.welcome(runId);
    assertThat(end())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("run id: \"")
        .hasMessageEndingWith(
            "\" (expected: 1 to 64 of A-Z a-z 0-9 - _, the first a letter or digit)")
        .hasMessageNotContaining("\u001b");
  }

  @Test
  void taskBeforeTheWelcomeIsNoTask() throws Exception {
    dialled(ADDING).send(task(1, Task.Kind.FIT));
    assertThat(end())
        .isInstanceOf(IOException.class)
        .hasMessage("127.0.0.1:" + server.port() + ": task before welcome");
  }

  @Test
  void clientThatCannotBeMadeEndsTheConnectionWithItsReason() throws Exception {
    FakeServer.Session session =
        dialled(
            request(
                Duration.ofMinutes(1),
                settings -> {
                  throw new IOException("model.safetensors: cut");
                }));
    session.welcome("run-1");
    assertThat(end()).isInstanceOf(IOException.class).hasMessage("model.safetensors: cut");
  }

  static Stream<Arguments> ends() {
    return Stream.of(
        Arguments.of(Finished.End.DONE, null),
        Arguments.of(Finished.End.STOPPED, "the server stopped the run: by\\nits user"),
        Arguments.of(Finished.End.FAILED, "the run failed on the server: by\\nits user"));
  }

  @ParameterizedTest
  @MethodSource("ends")
  void endOfTheRunIsThatOfTheConnection(Finished.End how, String message) throws Exception {
    FakeServer.Session session = joined(ADDING);
    session.finish(how, "by\nits user");
    Throwable end = end();
    if (message == null) {
      assertThat(end).isNull();
    } else {
      assertThat(end).isInstanceOf(IOException.class).hasMessage(message);
    }
  }

  @Test
  void clientThatComesBackBringsItsRunAndItsTasks() throws Exception {
    CountDownLatch released = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                asked -> {
                  begun.countDown();
                  released.await();
                  return ADDING.fit(asked);
                }));
    session.send(task(4, Task.Kind.FIT));
    session.send(task(5, Task.Kind.FIT));
    session.send(task(5, Task.Kind.FIT)); // which it has already
    begun.await();
    session.end(Status.UNAVAILABLE);
    FakeServer.Session again = server.next();
    Join join = again.join();
    assertThat(join.getRunId()).isEqualTo("run-1");
    assertThat(join.getTasksList()).containsExactly(4L, 5L);
    again.welcome("run-1");
    released.countDown();
    assertThat(server.nextAnswer().header().getTask()).isEqualTo(4);
    assertThat(server.nextAnswer().header().getTask()).isEqualTo(5);
    finishAndEnd(again);
  }

  @Test
  void serverThatHasAnotherRunNowIsLeft() throws Exception {
    joined(ADDING).end(Status.UNAVAILABLE);
    FakeServer.Session again = server.next();
    again.join();
    again.welcome("run-2");
    assertThat(end())
        .isInstanceOf(JoinRefusedException.class)
        .hasMessage("the server now has another run: run-2 (expected: run-1)");
  }

  // ---- tasks

  @Test
  void clientIsAskedWhatTheServerSaysAndItsAnswerArrivesWhole() throws Exception {
    LinkedBlockingQueue<FitInstruction> seen = new LinkedBlockingQueue<>();
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                asked -> {
                  seen.add(asked);
                  return ADDING
                      .fit(asked)
                      .withTensors(
                          NamedTensors.none()
                              .with("norm", List.of(2), FloatBuffer.wrap(new float[] {3, 4})));
                }));
    Path tensors = temp.resolve("control.safetensors");
    TensorFile.write(
        NamedTensors.none().with("control", FakeClient.constant(FakeClient.start().layout(), 7)),
        tensors);
    session.send(task(11, Task.Kind.FIT).setTensors(server.offer(tensors)));

    FakeServer.Answer answer = server.nextAnswer();
    FitInstruction asked = seen.remove();
    assertThat(asked.task().number()).isEqualTo(11);
    assertThat(asked.round()).isEqualTo(3);
    assertThat(asked.rounds()).isEqualTo(7);
    assertThat(asked.adapter().tensor(0)).isEqualTo(FakeClient.start().tensor(0));
    assertThat(asked.adapter().config()).isEqualTo(FakeClient.LORA);
    assertThat(asked.run()).isEqualTo(RunSettings.defaults());
    assertThat(asked.training().epochs()).isEqualTo(4);
    assertThat(asked.seed()).isEqualTo(new Seed(99));
    assertThat(asked.payload().config().number("mu")).isEqualTo(0.5);
    assertThat(
            asked.payload().tensors().delta("control", asked.adapter().layout()).tensor(1).get(0))
        .isEqualTo(7);
    assertThat(asked.memory().isEmpty()).isTrue();

    ResultHeader header = answer.header();
    assertThat(header.getRunId()).isEqualTo("run-1");
    assertThat(header.getClientId()).isEqualTo("home");
    assertThat(header.getTask()).isEqualTo(11);
    assertThat(header.getExamples()).isEqualTo(5);
    assertThat(header.getLabelTokens()).isEqualTo(50);
    assertThat(header.getMetricsMap()).containsOnly(Map.entry("loss", 2.0));
    assertThat(header.getKeepsMemory()).isFalse();
    assertThat(header.getBytes()).isEqualTo(answer.file().length);
    Path file = Files.write(temp.resolve("sent"), answer.file());
    assertThat(header.getSha256()).isEqualTo(Sha256.of(file));
    try (UpdateFile update = UpdateFile.open(file, FakeClient.start().layout())) {
      assertThat(update.delta().tensor(0).get(0)).isEqualTo(2);
      assertThat(update.extra().tensor("norm").get(1)).isEqualTo(4);
    }
    finishAndEnd(session);
  }

  @Test
  void evaluationHasNoFileUnlessItHasTensors() throws Exception {
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                ADDING::fit,
                asked -> {
                  Map<String, Double> metrics = new HashMap<>();
                  metrics.put("f1", 0.75);
                  metrics.put("none", null);
                  NamedTensors tensors =
                      asked.task().number() == 1
                          ? NamedTensors.none()
                          : NamedTensors.none()
                              .with("hits", List.of(1), FloatBuffer.wrap(new float[] {9}));
                  return new EvaluateResult(asked.round(), metrics, tensors);
                }));
    session.send(task(1, Task.Kind.EVALUATE));
    FakeServer.Answer plain = server.nextAnswer();
    assertThat(plain.file()).isEmpty();
    assertThat(plain.header().getBytes()).isZero();
    assertThat(plain.header().getSha256()).isEmpty();
    assertThat(plain.header().getExamples()).isEqualTo(3);
    assertThat(plain.header().getMetricsMap()).containsEntry("f1", 0.75);
    assertThat(plain.header().getMetricsMap().get("none")).isNaN();

    session.send(task(2, Task.Kind.EVALUATE));
    FakeServer.Answer more = server.nextAnswer();
    assertThat(more.header().getBytes()).isEqualTo(more.file().length).isPositive();
    Path file = Files.write(temp.resolve("sent"), more.file());
    assertThat(TensorFile.read(file).tensor("extra/hits").get(0)).isEqualTo(9);
    finishAndEnd(session);
  }

  @Test
  void whatATaskLeavesIsThereForTheTaskThatBuildsOnIt() throws Exception {
    List<Float> found = new ArrayList<>();
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                asked -> {
                  float kept = asked.memory().isEmpty() ? 0 : asked.memory().tensor("kept").get(0);
                  found.add(kept);
                  return ADDING
                      .fit(asked)
                      .withMemory(
                          NamedTensors.none()
                              .with("kept", List.of(1), FloatBuffer.wrap(new float[] {kept + 1})));
                }));
    session.send(task(1, Task.Kind.FIT));
    assertThat(server.nextAnswer().header().getKeepsMemory()).isTrue();
    session.send(task(2, Task.Kind.FIT).setMemory(1));
    server.nextAnswer();
    session.send(task(3, Task.Kind.FIT).setMemory(2).setMemoryHorizon(2));
    server.nextAnswer();
    assertThat(found).containsExactly(0f, 1f, 2f);
    Path folder = temp.resolve("state/run-1/home");
    try (Stream<Path> files = Files.list(folder)) { // that of task 1 is never asked for again
      assertThat(files)
          .containsExactlyInAnyOrder(
              folder.resolve("2.safetensors"), folder.resolve("3.safetensors"));
    }
    session.send(task(4, Task.Kind.FIT).setMemory(1));
    TaskFailed failed = session.next().getTaskFailed();
    assertThat(failed.getTask()).isEqualTo(4);
    assertThat(failed.getReason())
        .startsWith("memory of task 1: missing (expected: one of [2, 3];");
    finishAndEnd(session);
  }

  /** What a client dies of in a task. */
  private interface Fault {
    FitResult of(FitInstruction asked) throws IOException, InterruptedException;
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of(
            (Fault)
                asked -> {
                  throw new IOException("out of\ndisk");
                },
            "out of\\ndisk"),
        Arguments.of(
            (Fault)
                asked -> {
                  throw new StackOverflowError("deep");
                },
            "deep"),
        Arguments.of(
            (Fault)
                asked -> {
                  throw new java.nio.file.NoSuchFileException("home.jsonl");
                },
            "home.jsonl: no such file or directory"),
        Arguments.of((Fault) asked -> null, "the client answered null (expected: a result)"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("faults")
  void whatATaskDiesOfIsToldToTheServerAndTheClientStays(Fault fault, String reason)
      throws Exception {
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home", asked -> asked.task().number() == 1 ? fault.of(asked) : ADDING.fit(asked)));
    session.send(task(1, Task.Kind.FIT));
    TaskFailed failed = session.next().getTaskFailed();
    assertThat(failed.getTask()).isEqualTo(1);
    assertThat(failed.getReason()).isEqualTo(reason);
    session.send(task(2, Task.Kind.FIT));
    assertThat(server.nextAnswer().header().getTask()).isEqualTo(2);
    finishAndEnd(session);
  }

  @Test
  void taskThatDoesNotFitTheClientsModelIsToldByItsTensor() throws Exception {
    FakeServer.Session session = joined(ADDING);
    session.send(
        task(1, Task.Kind.FIT).setLora(Json.line(FakeClient.LORA.withRank(2)))); // sent: rank 1
    assertThat(session.next().getTaskFailed().getReason()).contains("q_proj.lora_A.weight");
    session.send(task(2, Task.Kind.FIT).setTraining("{}"));
    assertThat(session.next().getTaskFailed().getReason()).isNotEmpty();
    finishAndEnd(session);
  }

  @Test
  void cancelledTaskIsInterruptedAndNothingIsSaidOfIt() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicInteger interrupted = new AtomicInteger();
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                asked -> {
                  if (asked.task().number() == 1) {
                    begun.countDown();
                    try {
                      new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                      interrupted.incrementAndGet();
                      throw e;
                    }
                  }
                  return ADDING.fit(asked);
                }));
    session.send(task(1, Task.Kind.FIT));
    session.send(task(2, Task.Kind.FIT));
    session.send(task(3, Task.Kind.FIT));
    begun.await();
    for (long id : new long[] {2, 1, 9}) {
      session.send(ServerMessage.newBuilder().setCancel(Cancel.newBuilder().setTask(id)).build());
    }
    assertThat(server.nextAnswer().header().getTask()).isEqualTo(3);
    assertThat(interrupted).hasValue(1);
    finishAndEnd(session);
    assertThat(session.hasMore()).isFalse();
  }

  @Test
  void answerThatTheServerRefusesIsNotAFailureOfTheTask() throws Exception {
    FakeServer.Session session = joined(ADDING);
    server.refuseAnswer(Status.FAILED_PRECONDITION.withDescription("task 1 is over"));
    session.send(task(1, Task.Kind.FIT));
    server.nextAnswer();
    session.send(task(2, Task.Kind.FIT));
    assertThat(server.nextAnswer().header().getTask()).isEqualTo(2);
    finishAndEnd(session);
    assertThat(session.hasMore()).isFalse();
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"ABORTED", "UNAVAILABLE", "DATA_LOSS"})
  void answerThatWasLostOnTheWayIsSentAgainAndIsTheSame(Status.Code code) throws Exception {
    FakeServer.Session session = joined(ADDING);
    server.refuseAnswer(code.toStatus());
    session.send(task(1, Task.Kind.FIT));
    FakeServer.Answer first = server.nextAnswer();
    FakeServer.Answer second = server.nextAnswer();
    assertThat(second.header()).isEqualTo(first.header());
    assertThat(second.file()).isEqualTo(first.file());
    finishAndEnd(session);
  }

  @Test
  void statusThatTryingAgainWouldNotChangeFailsTheTask() throws Exception {
    FakeServer.Session session = joined(ADDING);
    server.refuseAnswer(Status.PERMISSION_DENIED.withDescription("not here"));
    session.send(task(1, Task.Kind.FIT));
    assertThat(session.next().getTaskFailed().getReason()).isEqualTo("answer to task 1: not here");
    server.refuseAnswer(Status.RESOURCE_EXHAUSTED);
    session.send(task(2, Task.Kind.FIT));
    assertThat(session.next().getTaskFailed().getReason())
        .isEqualTo("answer to task 2: RESOURCE_EXHAUSTED");
    finishAndEnd(session);
  }

  @Test
  void failureWhileTheServerIsAwayIsToldWhenTheClientIsBack() throws Exception {
    CountDownLatch lost = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    FakeServer.Session session =
        joined(
            new FakeClient(
                "home",
                asked -> {
                  begun.countDown();
                  lost.await();
                  throw new IOException("no memory");
                }));
    session.send(task(1, Task.Kind.FIT));
    begun.await();
    session.end(Status.UNAVAILABLE);
    FakeServer.Session again = server.next();
    assertThat(again.join().getTasksList()).containsExactly(1L);
    lost.countDown(); // it fails now, before it is welcomed
    FakeServer.Session welcomed = again;
    welcomed.welcome("run-1");
    TaskFailed failed = welcomed.next().getTaskFailed();
    assertThat(failed.getTask()).isEqualTo(1);
    assertThat(failed.getReason()).isEqualTo("no memory");
    finishAndEnd(welcomed);
  }

  @Test
  void clientIdsThatCouldLeaveTheirFolderAreRefused() {
    for (String id : new String[] {"", "../x", "a/b", "a.b", "x".repeat(65)}) {
      org.assertj.core.api.Assertions.assertThatThrownBy(
              () ->
                  new JoinRequest(
                      id,
                      HASH,
                      List.of(),
                      Map.of(),
                      temp,
                      temp,
                      Duration.ofSeconds(1),
                      settings -> ADDING))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("client id");
    }
  }

  @Test
  void waitsBetweenAttemptsGrowWithinHalfAndOneAndAHalfUpToAQuarterOfAMinute() {
    Backoff backoff = new Backoff();
    long expected = 300;
    for (int i = 0; i < 12; i++) {
      assertThat(backoff.nextMillis()).isBetween(expected / 2, expected + expected / 2);
      expected = Math.min(15_000, 2 * expected);
    }
    backoff.reset();
    assertThat(backoff.nextMillis()).isBetween(150L, 450L);
  }
}
