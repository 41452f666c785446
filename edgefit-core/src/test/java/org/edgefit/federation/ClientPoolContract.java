package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Config;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.AdapterFile;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What holds for every pool of clients. */
@Timeout(60)
public abstract class ClientPoolContract {

  /** Long enough that what comes at all has come, by any pool's clock. */
  private static final Duration LONG = Duration.ofSeconds(20);

  @TempDir protected Path temp;
  private final Set<TaskId> cancelled = Collections.synchronizedSet(new HashSet<>());
  private final AtomicLong fetched = new AtomicLong();
  private Path adapterFile;
  private int asked;

  /** Returns a pool of these clients, at least two of them at work at a time, all available. */
  protected abstract ClientPool pool(List<? extends FederatedClient> clients) throws Exception;

  @BeforeEach
  void writeAdapter() throws IOException {
    adapterFile = temp.resolve("adapter.safetensors");
    AdapterFile.write(FakeClient.start(), adapterFile);
  }

  private ClientPool begun(List<? extends FederatedClient> clients) throws Exception {
    ClientPool pool = pool(clients);
    pool.begin(temp.resolve("memory"), Duration.ZERO);
    return pool;
  }

  private Task task(String client, PlannedTask.Kind kind, Duration now) throws IOException {
    TaskId id = new TaskId(++asked);
    Adapter adapter = FakeClient.start();
    PlannedTask plan =
        new PlannedTask(
            id,
            1,
            kind,
            client,
            new FileRef("adapter", Files.size(adapterFile), Sha256.of(adapterFile)),
            adapter.config(),
            Training.defaults(),
            Config.none().with("mu", 0.5),
            null,
            List.of(),
            null,
            null,
            Map.of());
    return FakeTask.of(
        plan, adapterFile, temp.resolve(id + ".incoming"), now, this::complete, fetched);
  }

  /** Takes what a client answers, as a federation does. */
  private Outcome complete(Task task, Task.Result result) {
    if (cancelled.contains(task.id())) {
      return null;
    }
    boolean trains = task.plan().kind() == PlannedTask.Kind.FIT;
    return trains
        ? new Outcome.Trained(
            task.id(),
            task.clientId(),
            result.examples(),
            result.labelTokens(),
            result.metrics(),
            new FileRef("update", 1, ""),
            false,
            List.of())
        : new Outcome.Evaluated(
            task.id(), task.clientId(), result.examples(), result.metrics(), null, List.of());
  }

  private static Answer await(ClientPool pool) throws InterruptedException {
    long end = System.nanoTime() + LONG.toNanos();
    Answer answer = null;
    while (answer == null && System.nanoTime() < end) {
      answer = pool.next(LONG);
    }
    assertThat(answer).as("an answer").isNotNull();
    return answer;
  }

  @Test
  void clientsAreListedByTheirIds() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("b", 1, 1), FakeClient.adding("a", 1, 1)));
    assertThat(pool.available()).extracting(ClientInfo::id).containsExactly("a", "b");
    assertThat(pool.await(2, Duration.ofSeconds(10))).isTrue();
    long start = System.nanoTime();
    assertThat(pool.await(3, Duration.ofMillis(50))).isFalse();
    if (pool.canGrow()) {
      assertThat(System.nanoTime() - start).as("waited").isGreaterThanOrEqualTo(50_000_000L);
    }
  }

  @Test
  void eachClientThatIsAskedAnswersOnceWithWhatItMade() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("a", 1, 3), FakeClient.adding("b", 1, 5)));
    Map<TaskId, String> tasks = new HashMap<>();
    for (String client : List.of("a", "b")) {
      Task task = task(client, PlannedTask.Kind.FIT, pool.now());
      tasks.put(task.id(), client);
      pool.ask(task);
    }
    List<Answer> answers = List.of(await(pool), await(pool));
    for (Answer answer : answers) {
      assertThat(answer.outcome().clientId()).isEqualTo(tasks.remove(answer.task()));
      assertThat(answer.outcome()).isInstanceOf(Outcome.Trained.class);
    }
    assertThat(answers.stream().mapToLong(answer -> answer.outcome().examples())).contains(3L, 5L);
    assertThat(pool.next(Duration.ofMillis(300))).isNull();
  }

  @Test
  void whatClientsFetchIsCounted() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("a", 1, 3)));
    pool.ask(task("a", PlannedTask.Kind.FIT, pool.now()));
    assertThat(await(pool).outcome()).isInstanceOf(Outcome.Trained.class);
    assertThat(fetched).hasValue(Files.size(adapterFile));
  }

  @Test
  void evaluationIsAnswered() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("abc", 1, 1)));
    pool.ask(task("abc", PlannedTask.Kind.EVALUATE, pool.now()));
    Outcome outcome = await(pool).outcome();
    assertThat(outcome).isInstanceOf(Outcome.Evaluated.class);
    assertThat(outcome.examples()).isEqualTo(3);
    assertThat(outcome.metrics()).containsEntry("f1", 1.0);
  }

  @Test
  void whateverAClientDiesOfIsItsFailure() throws Exception {
    List<FakeClient> clients =
        List.of(
            new FakeClient(
                "io",
                asked -> {
                  throw new IOException("out of disk");
                }),
            new FakeClient(
                "error",
                asked -> {
                  throw new StackOverflowError("deep");
                }),
            new FakeClient("null", asked -> null));
    ClientPool pool = begun(clients);
    Map<String, String> reasons = new HashMap<>();
    for (FakeClient client : clients) {
      pool.ask(task(client.id(), PlannedTask.Kind.FIT, pool.now()));
    }
    for (int i = 0; i < clients.size(); i++) {
      Outcome outcome = await(pool).outcome();
      assertThat(outcome).isInstanceOf(Outcome.Failed.class);
      reasons.put(outcome.clientId(), outcome.detail());
    }
    assertThat(reasons.get("io")).isEqualTo("out of disk");
    assertThat(reasons.get("error")).isEqualTo("deep");
    assertThat(reasons.get("null")).contains("answered null (expected: a result)");
  }

  @Test
  void clientThatIsNotThereIsAnsweredForAsFailed() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("a", 1, 1)));
    pool.ask(task("nobody", PlannedTask.Kind.FIT, pool.now()));
    assertThat(await(pool).outcome()).isInstanceOf(Outcome.Failed.class);
  }

  @Test
  void cancelledTaskIsNotAnsweredAndItsClientCanBeAskedAgain() throws Exception {
    AtomicInteger times = new AtomicInteger();
    CountDownLatch begun = new CountDownLatch(1);
    FakeClient slow =
        new FakeClient(
            "slow",
            asked -> {
              if (times.incrementAndGet() == 1) {
                begun.countDown();
                new CountDownLatch(1).await(); // until it is interrupted
              }
              return FakeClient.adding("slow", 1, 7).fit(asked);
            });
    ClientPool pool = begun(List.of(slow, FakeClient.adding("z", 1, 1)));
    Task first = task("slow", PlannedTask.Kind.FIT, pool.now());
    pool.ask(first);
    begun.await();
    cancelled.add(first.id());
    pool.cancel(first.id());
    Task second = task("slow", PlannedTask.Kind.FIT, pool.now());
    pool.ask(second);
    Answer answer = await(pool);
    assertThat(answer.task()).isEqualTo(second.id());
    assertThat(answer.outcome().examples()).isEqualTo(7);
    assertThat(pool.next(Duration.ofMillis(300))).isNull();
  }

  @Test
  void waitEndsWithoutAnAnswerAndTimeGoesOn() throws Exception {
    ClientPool pool = begun(List.of(FakeClient.adding("a", 1, 1)));
    Duration before = pool.now();
    assertThat(pool.next(Duration.ofMillis(120))).isNull();
    assertThat(pool.now().minus(before)).isGreaterThanOrEqualTo(Duration.ofMillis(120));
  }

  @Test
  void clockGoesOnFromWhereTheRunWas() throws Exception {
    ClientPool pool = pool(List.of(FakeClient.adding("a", 1, 1)));
    pool.begin(temp.resolve("memory"), Duration.ofHours(5));
    assertThat(pool.now()).isBetween(Duration.ofHours(5), Duration.ofHours(6));
  }

  @Test
  void clientSeesWhatTheStrategySends() throws Exception {
    List<Double> seen = Collections.synchronizedList(new ArrayList<>());
    FakeClient client =
        new FakeClient(
            "a",
            asked -> {
              seen.add(asked.payload().config().number("mu"));
              return FakeClient.adding("a", 1, 1).fit(asked);
            });
    ClientPool pool = begun(List.of(client));
    pool.ask(task("a", PlannedTask.Kind.FIT, pool.now()));
    await(pool);
    assertThat(seen).containsExactly(0.5);
  }
}
