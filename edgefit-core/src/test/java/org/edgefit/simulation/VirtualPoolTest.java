package org.edgefit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.client.TaskId;
import org.edgefit.federation.Answer;
import org.edgefit.federation.FakePool;
import org.edgefit.federation.FakeTask;
import org.edgefit.federation.PlannedTasks;
import org.edgefit.federation.Task;
import org.edgefit.random.Seed;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When answers of simulated clients count, over a pool whose clients answer when a test says. */
class VirtualPoolTest {

  private static final Path NOWHERE = Path.of("nowhere");
  private static final Duration DAY = Duration.ofDays(1); // which FakeTask's clients have

  private final FakePool clients = new FakePool("fast", "slow", "evening", "gone", "other");
  private final List<String> completed = new ArrayList<>();
  private SimulatedClients pool;

  /** Clients that take 2 s, 8 s, and exactly a day; one that leaves; one that is not known. */
  @BeforeEach
  void begin() {
    DeviceProfile steady = new DeviceProfile("steady", 1, 1, 1, 1, 0, 0, 0);
    DeviceProfile leaving = new DeviceProfile("leaving", 1, 1, 1, 1, 0, 1, 0);
    Map<String, ClientWork> work =
        Map.of(
            "fast", new ClientWork(steady, 1, 1, 0),
            "slow", new ClientWork(steady, 2, 5, 1),
            "evening", new ClientWork(steady, 0, DAY.toSeconds(), 0),
            "gone", new ClientWork(leaving, 1, 1, 1));
    pool =
        new SimulatedClients(
            clients, new VirtualClock(work, Double.POSITIVE_INFINITY, new Seed(1)));
    pool.begin(NOWHERE, Duration.ofHours(3));
  }

  private Task ask(PlannedTask plan) {
    Task task = FakeTask.of(plan, NOWHERE, NOWHERE, pool.now(), this::complete);
    pool.ask(task);
    return task;
  }

  private Outcome complete(Task task, Task.Result result) {
    completed.add(task.clientId());
    return result.examples() < 0
        ? null
        : new Outcome.Trained(
            task.id(),
            task.clientId(),
            result.examples(),
            result.labelTokens(),
            result.metrics(),
            new FileRef("update", 7, ""),
            false,
            List.of());
  }

  /** Has the client of the task that was asked at a place in the order answer. */
  private void answer(int index, long examples) throws IOException {
    Task task = clients.asked.get(index);
    Outcome outcome =
        task.complete(new Task.Result(examples, 9, Map.of("loss", 0.5), null, null, false));
    clients.answers.add(new Answer(task.id(), outcome));
  }

  private Duration sinceBegin() {
    return pool.now().minusHours(3);
  }

  @Test
  void poolUnderneathIsBegunWithTheRunsMemoryAndAskedWhoIsThere() {
    assertThat(clients.memory).isEqualTo(NOWHERE);
    assertThat(clients.now).isEqualTo(Duration.ofHours(3));
    assertThat(pool.available()).isEqualTo(clients.available());
    assertThat(pool.canGrow()).isFalse();
    clients.canGrow = true;
    assertThat(pool.canGrow()).isTrue();
  }

  @Test
  void answerCountsWhenItsDeviceWouldHaveGivenItAndNotBefore() throws Exception {
    Task task = ask(PlannedTasks.fit(1, "slow"));
    answer(0, 4);
    assertThat(pool.next(Duration.ofSeconds(3))).isNull();
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(3));
    assertThat(completed).isEmpty(); // nothing is decided before its time
    Answer answer = pool.next(Duration.ofSeconds(5)); // 3 + 5 is when it comes
    assertThat(answer.task()).isEqualTo(task.id());
    assertThat(answer.outcome()).isInstanceOf(Outcome.Trained.class);
    assertThat(answer.outcome().examples()).isEqualTo(4);
    assertThat(answer.outcome().labelTokens()).isEqualTo(9);
    assertThat(answer.outcome().metrics()).containsOnly(Map.entry("loss", 0.5));
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(8));
    assertThat(pool.next(Duration.ofSeconds(1))).isNull();
  }

  @Test
  void orderIsThatOfVirtualTimeWhoeverWasTrainedFirst() throws Exception {
    ask(PlannedTasks.fit(1, "slow"));
    ask(PlannedTasks.fit(2, "fast"));
    answer(0, 1);
    answer(1, 1);
    assertThat(pool.next(DAY).outcome().clientId()).isEqualTo("fast");
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(2));
    assertThat(pool.next(DAY).outcome().clientId()).isEqualTo("slow");
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(8));
    assertThat(completed).containsExactly("fast", "slow");
  }

  @Test
  void answersAtOneTimeComeByTheirClientsIds() throws Exception {
    ask(PlannedTasks.evaluate(1, "slow"));
    ask(PlannedTasks.evaluate(2, "fast"));
    answer(0, 1);
    answer(1, 1);
    assertThat(pool.next(DAY).outcome().clientId()).isEqualTo("fast");
    assertThat(pool.next(DAY).outcome().clientId()).isEqualTo("slow");
    assertThat(sinceBegin()).isZero(); // evaluation takes no time
  }

  @Test
  void timeStandsStillWhileATrainingThatIsDueIsNotDone() throws Exception {
    ask(PlannedTasks.fit(1, "fast"));
    assertThat(pool.next(Duration.ofSeconds(30))).isNull();
    assertThat(sinceBegin()).isZero();
    answer(0, 3);
    assertThat(pool.next(Duration.ofSeconds(30)).outcome().examples()).isEqualTo(3);
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void clientThatWouldMissTheDeadlineIsNotTrained() throws Exception {
    ask(PlannedTasks.fit(1, "evening")); // ready when its time is over
    ask(PlannedTasks.fit(2, "fast"));
    assertThat(clients.askedClients()).containsExactly("fast");
    answer(0, 1);
    assertThat(pool.next(DAY.minusSeconds(1)).outcome().clientId()).isEqualTo("fast");
    assertThat(pool.next(DAY.minusSeconds(3))).isNull();
    assertThat(sinceBegin()).isEqualTo(DAY.minusSeconds(1));
  }

  @Test
  void clientThatDropsOutIsNotTrainedAndSaysWhen() throws Exception {
    Task task = ask(PlannedTasks.fit(1, "gone"));
    assertThat(clients.asked).isEmpty();
    Answer answer = pool.next(DAY);
    assertThat(answer.task()).isEqualTo(task.id());
    assertThat(answer.outcome()).isInstanceOf(Outcome.Failed.class);
    double seconds = sinceBegin().toNanos() / 1e9;
    assertThat(seconds).isBetween(0.0, 3.0); // it would have answered after 3 s
    assertThat(answer.outcome().detail())
        .isEqualTo("dropped out after " + Math.round(seconds * 10) / 10.0 + " s of virtual time");
  }

  @Test
  void clientThatTheClockDoesNotKnowIsLeftToThePool() throws Exception {
    Task task = ask(PlannedTasks.fit(1, "other"));
    clients.answers.add(
        new Answer(task.id(), new Outcome.Failed(task.id(), "other", "nobody of that name")));
    assertThat(pool.next(DAY).outcome().detail()).isEqualTo("nobody of that name");
    assertThat(sinceBegin()).isZero();
  }

  @Test
  void failureOfAClientCountsAtItsTimeAlso() throws Exception {
    Task slow = ask(PlannedTasks.fit(1, "slow"));
    ask(PlannedTasks.fit(2, "fast"));
    clients.answers.add(
        new Answer(slow.id(), new Outcome.Failed(slow.id(), "slow", "out of memory")));
    assertThat(pool.next(DAY)).isNull(); // which heard of slow while it waited for fast
    answer(1, 1);
    assertThat(pool.next(DAY).outcome().clientId()).isEqualTo("fast");
    Answer failed = pool.next(DAY);
    assertThat(failed.task()).isEqualTo(slow.id());
    assertThat(failed.outcome().detail()).isEqualTo("out of memory");
    assertThat(sinceBegin()).isEqualTo(Duration.ofSeconds(8));
  }

  @Test
  void answerThatTheRunNoLongerWantsIsTooLate() throws Exception {
    ask(PlannedTasks.fit(1, "fast"));
    answer(0, -1);
    assertThat(pool.next(DAY).outcome().detail()).isEqualTo("late result");
  }

  @Test
  void cancelledTaskEndsInThePoolAndItsAnswerNeverCounts() throws Exception {
    Task first = ask(PlannedTasks.fit(1, "fast"));
    Task second = ask(PlannedTasks.fit(2, "slow"));
    answer(0, 1);
    answer(1, 1);
    pool.cancel(first.id());
    assertThat(clients.cancelled).containsExactly(new TaskId(1));
    assertThat(pool.next(DAY).task()).isEqualTo(second.id());
    assertThat(pool.next(DAY)).isNull();
    assertThat(completed).containsExactly("slow");
  }
}
