package org.edgefit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.edgefit.server.RawClient.chunk;
import static org.edgefit.server.RawClient.message;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.RunSettings;
import org.edgefit.federation.FakeClient;
import org.edgefit.federation.Federation;
import org.edgefit.federation.RunResult;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.Task;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunDirectory;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a client that speaks the protocol by hand can do to a run, over real gRPC. */
@Timeout(60)
class HostileClientTest {

  private static final Duration IDLE_LIMIT = Duration.ofMillis(800);

  @TempDir Path temp;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<AutoCloseable> open = new ArrayList<>();
  private EdgeFitServer server;
  private Path run;

  @BeforeEach
  void start() throws IOException {
    run = temp.resolve("run");
    server =
        EdgeFitServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new RunTerms(
                "test", RawClient.HASH, RunSettings.defaults(), Duration.ofSeconds(2), IDLE_LIMIT));
    open.add(server);
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) { // clients leave first
      open.get(i).close();
    }
    threads.shutdownNow();
  }

  private RawClient client(String id) {
    RawClient client = new RawClient(server.port(), id);
    open.add(client);
    return client;
  }

  private Federation.Builder federation() {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(server.clients())
        .adapter(FakeClient.start())
        .runDirectory(run)
        .roundDeadline(Duration.ofSeconds(20));
  }

  private Future<RunResult> running(Federation.Builder federation, int rounds) {
    return threads.submit(() -> federation.build().run(rounds));
  }

  private byte[] update(float value) throws IOException {
    AdapterLayout layout = FakeClient.start().layout();
    Path file = temp.resolve("update.safetensors");
    UpdateFile.write(FakeClient.constant(layout, value), NamedTensors.none(), file);
    return Files.readAllBytes(file);
  }

  private String answer(RawClient client, Task task, float value) throws Exception {
    byte[] file = update(value);
    return client.submit(message(client.header(task, file)), chunk(file));
  }

  private static RunResult of(Future<RunResult> running) throws Exception {
    return running.get(30, TimeUnit.SECONDS);
  }

  private static Map<String, String> ends(RoundSummary round) {
    Map<String, String> ends = new TreeMap<>();
    for (Outcome end : round.clients()) {
      ends.put(end.clientId(), end.name() + ": " + end.detail());
    }
    return ends;
  }

  @Test
  void joinsOutOfBoundsAreRefusedByName() throws Exception {
    Join plain = RawClient.join("raw");
    Map<Join, String> refusals =
        Map.of(
            plain.toBuilder().setProtocol(2).build(),
            "protocol: 2 (expected: 3)",
            plain.toBuilder().setClientId("../x\n\u001b[2J").build(),
            "client id: \"../x\\n\\u001b[2J\"",
            plain.toBuilder().setRunId("another").build(),
            "run: another (expected: test",
            plain.toBuilder().setBaseModelHash("x\ny").build(),
            "base model: x\\ny (expected: " + RawClient.HASH,
            plain.toBuilder().putDescription("k", "v".repeat(1_000_000)).build(),
            "a property of 1 + 1000000 characters (expected: at most 64 + 256)",
            plain.toBuilder().putAllDescription(many(33)).build(),
            "33 properties (expected: at most 32)",
            plain.toBuilder().putAllDescription(long32()).build(),
            "characters (expected: at most 2048)");
    for (Map.Entry<Join, String> refusal : refusals.entrySet()) {
      RawClient client = client("raw");
      client.send(refusal.getKey());
      assertThat(client.nextOrError()).asString().contains(refusal.getValue());
    }
    assertThat(server.clients().available()).isEmpty();
  }

  private static Map<String, String> long32() {
    Map<String, String> many = many(32);
    many.replaceAll((key, value) -> "v".repeat(250));
    return many;
  }

  private static Map<String, String> many(int count) {
    Map<String, String> many = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      many.put("key" + i, "value");
    }
    return many;
  }

  @Test
  void whatAClientSaysOfItselfIsShownWithoutControls() throws Exception {
    RawClient client = client("raw");
    client.send(
        RawClient.join("raw").toBuilder().putDescription("os", "Linux\nround 9: done").build());
    assertThat(client.next().hasWelcome()).isTrue();
    assertThat(server.clients().available().get(0).properties())
        .containsEntry("os", "Linux\\nround 9: done");
  }

  @Test
  void onlyWhatWasFetchedCountsAsSent() throws Exception {
    RawClient idle = client("idle").joined();
    RawClient eager = client("eager").joined();
    Future<RunResult> result = running(federation().minimumClients(2), 1);
    Task unread = idle.nextTask();
    Task read = eager.nextTask();
    assertThat(eager.download(read)).isEqualTo(read.getAdapter().getBytes());
    idle.fail(unread.getTask(), "no time");
    eager.fail(read.getTask(), "no memory");
    assertThat(of(result).history().last().bytesDown()).isEqualTo(read.getAdapter().getBytes());
  }

  @Test
  void brokenUploadsAreRefusedAndLeaveNothing() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation(), 1);
    Task task = raw.nextTask();
    assertThat(task.getRound()).isEqualTo(1);
    byte[] four = new byte[4];
    assertThat(raw.submit(chunk(four))).contains("no header");
    assertThat(raw.submit(message(raw.header(task, four).setTask(7)), chunk(four)))
        .contains("FAILED_PRECONDITION", "task 7 is over");
    assertThat(raw.submit(message(raw.header(task, four).setRunId("runs")), chunk(four)))
        .contains("FAILED_PRECONDITION", "run: runs (expected: test");
    assertThat(raw.submit(message(raw.header(task, four).setInstance(2)), chunk(four)))
        .contains("ABORTED", "has not joined");
    assertThat(raw.submit(message(raw.header(task, four).setClientId("nobody")), chunk(four)))
        .contains("ABORTED", "has not joined");
    assertThat(raw.submit(message(raw.header(task, four)), chunk(four, 1))).contains("CRC32C");
    assertThat(raw.submit(message(raw.header(task, four).setSha256("00".repeat(32))), chunk(four)))
        .contains("SHA-256");
    assertThat(raw.submit(message(raw.header(task, four).setBytes(8)), chunk(four)))
        .contains("4 bytes (expected: 8)");
    assertThat(raw.submit(message(raw.header(task, four).setBytes(2)), chunk(four)))
        .contains("more than the declared 2 bytes");
    assertThat(raw.submit(message(raw.header(task, four).setBytes(1L << 60)), chunk(four)))
        .contains("INVALID_ARGUMENT", "at most");
    assertThat(ends(of(result).history().last()).get("raw"))
        .startsWith("rejected: update: 1152921504606846976 bytes");
    try (Stream<Path> left = Files.list(run.resolve("rounds/0001/updates"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void answerCountsOnceAndSaysSoAgain() throws Exception {
    RawClient raw = client("raw").joined();
    RawClient other = client("other").joined();
    Future<RunResult> result = running(federation().minimumClients(2), 1);
    Task task = raw.nextTask();
    Task others = other.nextTask();
    assertThat(answer(raw, others, 1)).contains("FAILED_PRECONDITION", "is over");
    assertThat(answer(raw, task, 1)).contains("task: " + task.getTask(), "sha256");
    assertThat(answer(raw, task, 1)).contains("task: " + task.getTask(), "sha256");
    assertThat(answer(raw, task, 2)).contains("ALREADY_EXISTS", "another result");
    raw.fail(task.getTask(), "changed my mind");
    assertThat(answer(other, others, 3)).contains("sha256");
    RunResult ended = of(result);
    assertThat(ends(ended.history().last()))
        .allSatisfy((id, end) -> assertThat(end).startsWith("trained"));
    assertThat(ended.adapter().tensor(1).get(0)).isEqualTo(2);
  }

  @Test
  void sizesAndValuesBeyondReasonMoveNothing() throws Exception {
    RawClient good = client("good").joined();
    RawClient liar = client("liar").joined();
    RawClient bomb = client("bomb").joined();
    Strategy strategy = Strategy.fedAvg().optimizer((round, mean) -> round.state().plus(mean, 3));
    Future<RunResult> result = running(federation().strategy(strategy).minimumClients(3), 2);
    byte[] two = update(2);
    for (int round = 1; round <= 2; round++) {
      assertThat(answer(good, good.nextTask(), 2)).contains("sha256");
      assertThat(
              liar.submit(
                  message(liar.header(liar.nextTask(), two).setExamples(1L << 62)), chunk(two)))
          .contains("INVALID_ARGUMENT", "examples: 4611686018427387904 (expected: 1 to 1000000)");
      Task task = bomb.nextTask();
      byte[] file = update(round == 1 ? 3e38f : 2);
      assertThat(
              bomb.submit(
                  message(
                      bomb.header(task, file)
                          .putMetrics("loss", 1e308)
                          .putMetrics("bad", Double.NaN)
                          .putMetrics("a\nb", 1)),
                  chunk(file)))
          .contains("sha256");
    }
    RunResult ended = of(result);
    RoundSummary first = ended.history().rounds().get(1);
    assertThat(first.failure()).contains("Infinity", "3.0E38, is bomb's");
    assertThat(first.adapterSha256()).isEqualTo(ended.history().rounds().get(0).adapterSha256());
    RoundSummary second = ended.history().last();
    assertThat(second.failure()).isEmpty();
    assertThat(ended.adapter().tensor(1).get(0)).isEqualTo(6);
    assertThat(second.fitMetrics().get("loss")).isFinite();
    assertThat(ends(second).get("bomb"))
        .contains("metric bad dropped: NaN", "metric \"a\\nb\" dropped");
  }

  /** Returns an update with one more tensor, whose name is the prefix of further tensors alone. */
  private byte[] withNamelessTensor() throws IOException {
    byte[] plain = update(2);
    int headerLength = ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN).getInt();
    String header = new String(plain, 8, headerLength, StandardCharsets.UTF_8).strip();
    int data = plain.length - 8 - headerLength;
    String more =
        ",\"extra/\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}}"
            .formatted(data, data + 4);
    byte[] longer =
        (header.substring(0, header.length() - 1) + more).getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + longer.length + data + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(longer.length)
        .put(longer)
        .put(plain, 8 + headerLength, data)
        .putFloat(1)
        .array();
  }

  @Test
  void tensorWithoutANameIsRejectedAndTheRunGoesOn() throws Exception {
    RawClient good = client("good").joined();
    RawClient sly = client("sly").joined();
    Future<RunResult> result = running(federation().minimumClients(2), 1);
    byte[] file = withNamelessTensor();
    assertThat(sly.submit(message(sly.header(sly.nextTask(), file)), chunk(file)))
        .contains("INVALID_ARGUMENT", "tensor name: empty");
    assertThat(answer(good, good.nextTask(), 2)).contains("sha256");
    assertThat(ends(of(result).history().last()).get("sly")).contains("rejected");
  }

  @Test
  void reasonThatForgesLinesIsShownWithoutControls() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation(), 1);
    Task task = raw.nextTask();
    raw.fail(task.getTask(), "x\nround 1: all is well\u001b[31m" + "y".repeat(900_000));
    assertThat(ends(of(result).history().last()).get("raw"))
        .startsWith("failed: x\\nround 1: all is well\\u001b[31m")
        .hasSizeLessThan(600);
    assertThat(Files.readString(run.resolve("journal.log"))).doesNotContain("\u001b");
  }

  @Test
  void taskHasOneUploadWhichEndsWhenItIsIdleAndWithItsTask() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation().roundDeadline(Duration.ofMillis(2500)), 1);
    Task task = raw.nextTask();
    byte[] file = update(1);
    List<RawClient.Submission> stalled = new ArrayList<>();
    for (int i = 0; i < 6; i++) { // each takes the place of the one before
      RawClient.Submission submission = raw.submission();
      submission.call.onNext(message(raw.header(task, file)));
      stalled.add(submission);
    }
    RawClient.Submission silent = raw.submission(); // not even a header
    List<String> replies = new ArrayList<>();
    for (RawClient.Submission submission : stalled) {
      replies.add(submission.reply());
    }
    assertThat(replies).filteredOn(reply -> reply.contains("another upload")).hasSize(5);
    assertThat(replies)
        .filteredOn(reply -> reply.equals("DEADLINE_EXCEEDED: no data for 0.8 s"))
        .hasSize(1);
    assertThat(silent.reply()).contains("DEADLINE_EXCEEDED");

    RawClient.Submission slow = raw.submission();
    slow.call.onNext(message(raw.header(task, file)));
    for (int i = 0; i < 30 && slow.replies.isEmpty(); i++) { // a byte now and then
      slow.call.onNext(chunk(new byte[] {file[i]}));
      Thread.sleep(100);
    }
    assertThat(slow.reply()).contains("ABORTED", "the task ended");
    assertThat(ends(of(result).history().last()).get("raw")).startsWith("timed out");
  }

  @Test
  void lateAnswerIsNeverTakenForAnother() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation().roundDeadline(Duration.ofSeconds(2)), 2);
    Task first = raw.nextTask();
    Task second = raw.nextTask(); // the first has timed out
    assertThat(second.getTask()).isNotEqualTo(first.getTask());
    assertThat(answer(raw, first, 9)).contains("FAILED_PRECONDITION", "late result");
    assertThat(answer(raw, second, 1)).contains("sha256");
    RunResult ended = of(result);
    assertThat(ends(ended.history().rounds().get(1)).get("raw")).startsWith("timed out");
    assertThat(ended.adapter().tensor(1).get(0)).isEqualTo(1);
  }

  @Test
  void diskThatCannotStoreIsTheServersFault() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation(), 1);
    Task task = raw.nextTask();
    // A folder stands where the answer is to be written.
    Files.createDirectories(
        run.resolve("rounds/0001/updates/raw." + task.getTask() + ".incoming/x"));
    String reply = answer(raw, task, 1);
    assertThat(reply).contains("(server error)").doesNotContain(run.toString());
    assertThat(ends(of(result).history().last()).get("raw"))
        .startsWith("failed: the server could not store its result: ")
        .doesNotContain(run.toString());
  }

  @Test
  void clientThatComesAfterTheEndIsToldHowItEnded() throws Exception {
    RawClient raw = client("raw").joined();
    Future<RunResult> result = running(federation(), 1);
    assertThat(answer(raw, raw.nextTask(), 1)).contains("sha256");
    of(result);
    ServerMessage told = raw.next();
    assertThat(told.getFinished().getEnd()).isEqualTo(Finished.End.DONE);
    RawClient late = client("late");
    late.send(RawClient.join("late"));
    assertThat(late.next().getFinished().getEnd()).isEqualTo(Finished.End.DONE);
  }

  @Test
  void runThatDiesOfAnErrorIsNotToldAsSuccess() throws Exception {
    RawClient raw = client("raw").joined();
    Strategy dying =
        Strategy.fedAvg()
            .aggregator(
                (round, updates) -> {
                  throw new StackOverflowError("the rule's own");
                });
    Future<RunResult> result = running(federation().strategy(dying), 1);
    assertThat(answer(raw, raw.nextTask(), 1)).contains("sha256");
    Finished told = raw.next().getFinished();
    assertThat(told.getEnd()).isEqualTo(Finished.End.FAILED);
    assertThat(told.getDetail()).isEqualTo("the rule's own");
    assertThat(result).failsWithin(Duration.ofSeconds(10));
  }

  @Test
  void runThatIsStoppedBlamesNobodyAndGoesOn() throws Exception {
    RawClient raw = client("raw").joined();
    Federation stopped = federation().build();
    Future<RunResult> result = threads.submit(() -> stopped.run(1));
    Task task = raw.nextTask();
    stopped.stop();
    assertThat(result).failsWithin(Duration.ofSeconds(10));
    assertThat(raw.next().hasCancel()).isTrue();
    assertThat(raw.next().getFinished().getEnd()).isEqualTo(Finished.End.STOPPED);
    assertThat(Files.readString(run.resolve("journal.log")))
        .doesNotContain("clientFinished", "\"round\":1,\"adapterSha256\"")
        .contains("\"end\":\"stopped\"");
    server.close();

    try (RunDirectory held = RunDirectory.resume(run, org.edgefit.run.OnDamage.REFUSE)) {
      start(held.runId());
      RawClient again = client("raw");
      Future<RunResult> resumed =
          threads.submit(() -> federation().runDirectory(held).build().run(1));
      again.send(RawClient.join("raw").toBuilder().addTasks(task.getTask()).build());
      assertThat(again.next().hasWelcome()).isTrue();
      byte[] file = update(4); // what it was at work on before the server was stopped
      String reply;
      do { // a server that has yet to go on asks to send again
        reply = again.submit(message(again.header(task, file).setRunId(held.runId())), chunk(file));
      } while (reply.contains("ABORTED"));
      assertThat(reply).contains("sha256");
      assertThat(of(resumed).adapter().tensor(1).get(0)).isEqualTo(4);
    }
  }

  private void start(String runId) throws IOException {
    server =
        EdgeFitServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new RunTerms(
                runId, RawClient.HASH, RunSettings.defaults(), Duration.ofSeconds(5), IDLE_LIMIT));
    open.add(0, server);
  }

  @Test
  void successIsToldOnceTheFinalAdapterIsThere() throws Exception {
    RawClient raw = client("raw").joined();
    CountDownLatch blocked = new CountDownLatch(1);
    Federation.Builder federation =
        federation()
            .listener(
                event -> {
                  if (event instanceof org.edgefit.run.RunEvent.ClientFinished) {
                    try { // a file stands where the final adapter is to be written
                      Files.writeString(run.resolve("adapter"), "in the way");
                      blocked.countDown();
                    } catch (IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  }
                });
    Future<RunResult> result = running(federation, 1);
    assertThat(answer(raw, raw.nextTask(), 1)).contains("sha256");
    blocked.await();
    assertThat(raw.next().getFinished().getEnd()).isEqualTo(Finished.End.FAILED);
    assertThat(result).failsWithin(Duration.ofSeconds(10));
  }
}
