package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.client.TaskId;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a round asks of a pool, and what it makes of the answers, on a clock that a test moves. */
@Timeout(60)
class RoundLoopTest {

  private static final Duration DEADLINE = Duration.ofSeconds(60);

  @TempDir Path temp;
  private final List<RunEvent> events = new ArrayList<>();

  private Federation.Builder federation(FakePool pool) {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(pool)
        .adapter(FakeClient.start())
        .roundDeadline(DEADLINE)
        .runDirectory(temp.resolve("run"))
        .listener(events::add);
  }

  private static FakePool answering(String... clients) {
    FakePool pool = new FakePool(clients);
    return pool.onAsk(task -> pool.answer(task, 1, 1));
  }

  private static float moved(RunResult result) {
    return result.adapter().tensor(1).get(0); // B starts at zero
  }

  private static List<String> ends(List<Outcome> outcomes) {
    return outcomes.stream().map(end -> end.clientId() + " " + end.name()).toList();
  }

  private <E extends RunEvent> List<E> all(Class<E> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** A strategy that plans its rounds as a test says, and takes the weighted mean. */
  private record Planned(Plan fit, Plan evaluation) implements Strategy {
    interface Plan {
      RoundPlan of(RoundContext round);
    }

    @Override
    public RoundPlan configureFit(RoundContext round) {
      return fit.of(round);
    }

    @Override
    public RoundPlan configureEvaluate(RoundContext round) {
      return evaluation.of(round);
    }

    @Override
    public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
      return round.state().plus(updates.weightedMean());
    }
  }

  private static Planned planned(Planned.Plan fit) {
    return new Planned(fit, round -> RoundPlan.none());
  }

  // ---- deadlines

  @Test
  void clientThatDoesNotAnswerIsGivenUpAtTheDeadline() throws Exception {
    FakePool pool = new FakePool("answers", "silent");
    pool.onAsk(
        task -> {
          if (task.clientId().equals("answers")) {
            pool.answer(task, 3, 1);
          }
        });
    RunResult result = federation(pool).build().run(1);
    RoundSummary round = result.history().last();
    assertThat(round.clients())
        .satisfiesExactly(
            end -> assertThat(end.name()).isEqualTo("trained"),
            end -> {
              assertThat(end).isInstanceOf(Outcome.TimedOut.class);
              assertThat(end.clientId()).isEqualTo("silent");
              assertThat(end.detail()).isEqualTo("no answer in 60.0 s");
            });
    assertThat(pool.now).isEqualTo(DEADLINE);
    assertThat(pool.cancelled).contains(new TaskId(2));
    assertThat(moved(result)).isEqualTo(3);
  }

  @Test
  void deadlineRunsFromWhenAClientIsAskedNotFromTheRoundsBegin() throws Exception {
    FakePool pool = new FakePool("a", "b");
    Strategy oneAtATime =
        planned(round -> RoundPlan.of(round.available(), round.assignment()).withConcurrency(1));
    federation(pool).strategy(oneAtATime).build().run(1);
    assertThat(pool.asked).extracting(Task::asked).containsExactly(Duration.ZERO, DEADLINE);
    assertThat(pool.asked)
        .extracting(Task::deadline)
        .containsExactly(DEADLINE, DEADLINE.multipliedBy(2));
    assertThat(pool.now).isEqualTo(DEADLINE.multipliedBy(2));
  }

  @Test
  void answerAfterTheDeadlineIsTooLateAndLeavesNoFile() throws Exception {
    FakePool pool = new FakePool("slow");
    List<Outcome> late = new ArrayList<>();
    pool.onAsk(
        task -> {
          if (task.plan().round() == 2) {
            late.add(pool.answer(pool.asked.get(0), 9, 1)); // its task of round 1
            assertThat(pool.asked.get(0).incoming()).doesNotExist();
            pool.answer(task, 1, 1);
          }
        });
    RunResult result = federation(pool).build().run(2);
    assertThat(late).hasSize(1).containsOnlyNulls();
    assertThat(ends(result.history().rounds().get(1).clients())).containsExactly("slow timed out");
    assertThat(ends(result.history().last().clients())).containsExactly("slow trained");
    assertThat(moved(result)).isEqualTo(1);
  }

  @Test
  void answerThatSaysNothingOfATaskThatIsOpenChangesNothing() throws Exception {
    FakePool pool = new FakePool("a");
    pool.onAsk(
        task -> {
          pool.answers.add(
              new Answer(
                  new TaskId(99), new Outcome.Failed(new TaskId(99), "a", "another's task")));
          pool.answer(task, 2, 1);
        });
    RunResult result = federation(pool).build().run(1);
    assertThat(ends(result.history().last().clients())).containsExactly("a trained");
  }

  // ---- who is asked, and when a round is over

  @Test
  void noMoreClientsAreAtWorkThanThePlanAllows() throws Exception {
    FakePool pool = new FakePool("a", "b", "c", "d", "e");
    TreeSet<Integer> atWork = new TreeSet<>();
    pool.whenIdle(
        () -> {
          List<Task> open =
              pool.asked.stream().filter(task -> !pool.cancelled.contains(task.id())).toList();
          int answered = all(RunEvent.ClientFinished.class).size();
          atWork.add(open.size() - answered);
          pool.answer(pool.asked.get(answered), 1, 1);
        });
    Strategy two =
        planned(round -> RoundPlan.of(round.available(), round.assignment()).withConcurrency(2));
    RunResult result = federation(pool).strategy(two).build().run(1);
    assertThat(pool.askedClients()).containsExactly("a", "b", "c", "d", "e");
    assertThat(result.history().last().trained()).isEqualTo(5);
    assertThat(atWork.last()).isEqualTo(2);
  }

  @Test
  void roundIsOverOnceEnoughAnsweredAndTheOthersAreSentHome() throws Exception {
    FakePool pool = new FakePool("a", "b", "c", "d");
    pool.onAsk(
        task -> {
          switch (task.clientId()) {
            case "a" -> pool.fail(task, "no time"); // which does not count
            case "b", "d" -> pool.answer(task, 2, 1);
            default -> {} // c is at work when enough have answered
          }
        });
    Strategy two =
        planned(round -> RoundPlan.of(round.available(), round.assignment()).withCloseAfter(2));
    RunResult result = federation(pool).strategy(two).build().run(1);
    RoundSummary last = result.history().last();
    assertThat(ends(last.clients()))
        .containsExactly("a failed", "b trained", "c failed", "d trained");
    assertThat(last.clients().get(2).detail()).isEqualTo("cancelled: enough results");
    assertThat(pool.cancelled).contains(new TaskId(3));
    assertThat(pool.now).isZero(); // nobody was waited for
  }

  @Test
  void clientsOfAPlanWithoutBarrierGoOnAndCountWhereTheyAnswer() throws Exception {
    FakePool pool = new FakePool("quick", "slow");
    pool.onAsk(
        task -> {
          if (task.clientId().equals("quick")) {
            if (task.plan().round() == 2) {
              pool.answer(pool.asked.get(1), 5, 1); // slow's, of round 1
            }
            pool.answer(task, 1, 1);
          }
        });
    List<List<String>> busy = new ArrayList<>();
    Strategy carrying =
        planned(
            round -> {
              busy.add(round.busy());
              return RoundPlan.of(round.available(), round.assignment())
                  .withCloseAfter(round.round())
                  .carryingOver();
            });
    RunResult result = federation(pool).strategy(carrying).build().run(2);
    assertThat(busy).containsExactly(List.of(), List.of("slow"));
    assertThat(ends(result.history().rounds().get(1).clients())).containsExactly("quick trained");
    RoundSummary last = result.history().last();
    assertThat(ends(last.clients())).containsExactly("quick trained", "slow trained");
    assertThat(last.clients().get(1).task()).isEqualTo(new TaskId(2));
    assertThat(moved(result)).isEqualTo(1 + (1 + 5) / 2f);
  }

  @Test
  void roundsTakeAnswersInTheOrderOfClientsWhoeverWasFirst() throws Exception {
    FakePool pool = new FakePool("a", "b", "c");
    pool.whenIdle(
        () -> {
          for (int i = pool.asked.size() - 1; i >= 0; i--) {
            pool.answer(pool.asked.get(i), 1, i + 1);
          }
        });
    List<String> seen = new ArrayList<>();
    Strategy noting =
        Strategy.fedAvg()
            .weighting(
                (round, update) -> {
                  seen.add(update.clientId() + " " + update.examples());
                  return update.examples();
                });
    RunResult result = federation(pool).strategy(noting).build().run(1);
    assertThat(all(RunEvent.ClientFinished.class))
        .extracting(event -> event.outcome().clientId())
        .containsExactly("c", "b", "a");
    assertThat(ends(result.history().last().clients()))
        .containsExactly("a trained", "b trained", "c trained");
    assertThat(seen).startsWith("a 1", "b 2", "c 3");
  }

  @Test
  void evaluationIsAskedWithTheRoundsNewAdapterAndIsOverAlsoWhenEnoughAnswered() throws Exception {
    FakePool pool = new FakePool("a", "b");
    List<Float> evaluated = new ArrayList<>();
    pool.onAsk(
        task -> {
          if (task.plan().kind() == PlannedTask.Kind.EVALUATE) {
            evaluated.add(task.evaluate().adapter().tensor(1).get(0));
          }
          if (task.plan().kind() == PlannedTask.Kind.FIT || task.clientId().equals("b")) {
            pool.answer(task, 2, 4);
          }
        });
    Strategy strategy =
        new Planned(
            round -> RoundPlan.of(round.available(), round.assignment()),
            round -> RoundPlan.of(round.available(), round.assignment()).withCloseAfter(1));
    RunResult result = federation(pool).strategy(strategy).build().run(1);
    RoundSummary last = result.history().last();
    assertThat(evaluated).containsExactly(2f, 2f);
    assertThat(ends(last.evaluations())).containsExactly("a failed", "b evaluated");
    assertThat(last.evaluations().get(0).detail()).isEqualTo("cancelled: enough results");
    assertThat(last.evaluateMetrics()).containsOnly(Map.entry("loss", 2.0));
    assertThat(all(RunEvent.EvaluationOpened.class)).hasSize(1);
  }

  // ---- what tasks are

  @Test
  void tasksAreNumberedThroughTheRunAndCarryWhatTheyAreFor() throws Exception {
    FakePool pool = answering("a", "b");
    federation(pool).strategy(Strategy.fedAvg().evaluateClients(2)).build().run(2);
    assertThat(pool.asked)
        .extracting(task -> task.id().number())
        .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    assertThat(pool.asked)
        .extracting(task -> task.plan().round() + " " + task.plan().kind())
        .containsExactly(
            "1 FIT",
            "1 FIT",
            "1 EVALUATE",
            "1 EVALUATE",
            "2 FIT",
            "2 FIT",
            "2 EVALUATE",
            "2 EVALUATE");
    assertThat(pool.asked).extracting(Task::rounds).containsOnly(2);
    for (Task task : pool.asked) {
      assertThat(Files.size(task.adapterFile())).isEqualTo(task.plan().adapter().bytes());
      assertThat(task.tensorsFile()).isNull();
      assertThat(task.fit().task()).isEqualTo(task.id());
      assertThat(task.fit().round()).isEqualTo(task.plan().round());
      assertThat(task.fit().rounds()).isEqualTo(2);
      assertThat(task.evaluate().task()).isEqualTo(task.id());
      assertThat(task.evaluate().round()).isEqualTo(task.plan().round());
    }
  }

  @Test
  void eachClientRoundAndKindOfTaskHasItsOwnRandomness() throws Exception {
    FakePool pool = answering("a", "b");
    federation(pool).strategy(Strategy.fedAvg().evaluateClients(2)).seed(4).build().run(2);
    Set<Long> first = new TreeSet<>();
    pool.asked.forEach(task -> first.add(task.seed().generator().nextLong()));
    assertThat(first).hasSize(8);
    FakePool again = answering("b", "a");
    federation(again)
        .runDirectory(temp.resolve("again"))
        .strategy(Strategy.fedAvg().evaluateClients(2))
        .seed(4)
        .build()
        .run(2);
    assertThat(again.asked)
        .extracting(Task::seed)
        .isEqualTo(pool.asked.stream().map(Task::seed).toList());
  }

  @Test
  void answerMayTakeWhatItsTensorsTakeAndNoMoreThanSomeHeaders() throws Exception {
    FakePool pool = new FakePool("a");
    List<Long> spare = new ArrayList<>();
    pool.onAsk(
        task -> {
          pool.answer(task, 1, 1);
          spare.add(task.maxBytes() - task.adapter().layout().bytes());
        });
    federation(pool).build().run(1);
    Strategy scaffold = Strategy.fedAvg().scaffold(1);
    federation(pool).strategy(scaffold).runDirectory(temp.resolve("scaffold")).build().run(1);
    assertThat(spare.get(0)).isBetween(64L << 10, 256L << 10);
    assertThat(spare.get(1)).isGreaterThan(spare.get(0)); // it also sends its control variate
  }

  @Test
  void assignmentThatSeveralShareIsOneFileAndCountsForEachThatFetchesIt() throws Exception {
    FakePool pool = answering("a", "b", "c");
    Strategy personal =
        planned(
            round -> {
              AdapterDelta step = FakeClient.constant(round.adapter().layout(), 0.5f);
              var moved = round.assignment().withStart(round.adapter().plus(step));
              var assignments =
                  new java.util.LinkedHashMap<>(
                      RoundPlan.of(List.of("a", "b"), moved).assignments());
              assignments.put("c", round.assignment().with("control", step));
              return RoundPlan.of(assignments);
            });
    RunResult result = federation(pool).strategy(personal).build().run(1);
    PlannedTask a = pool.asked.get(0).plan();
    PlannedTask b = pool.asked.get(1).plan();
    PlannedTask c = pool.asked.get(2).plan();
    assertThat(a.adapter()).isEqualTo(b.adapter()).isNotEqualTo(c.adapter());
    assertThat(pool.asked.get(0).fit().adapter().tensor(1).get(0)).isEqualTo(0.5f);
    assertThat(pool.asked.get(2).fit().adapter().tensor(1).get(0)).isZero();
    assertThat(pool.asked.get(2).fit().payload().tensors().has("control")).isTrue();
    assertThat(pool.asked.get(2).tensorsFile()).exists();
    try (var files = Files.list(temp.resolve("run/rounds/0001/assigned"))) {
      assertThat(files).hasSize(2); // one adapter, and one of tensors
    }
    assertThat(result.history().last().bytesDown())
        .isEqualTo(2 * a.adapter().bytes() + c.adapter().bytes() + c.tensors().bytes());
  }

  @Test
  void ofClientsThatFailThatCountsWhichTheyFetched() throws Exception {
    FakePool pool = new FakePool("half", "none");
    pool.onAsk(
        task -> {
          if (task.clientId().equals("half")) {
            task.fetched(task.plan().adapter());
          }
          pool.fail(task, "gone");
        });
    RunResult result = federation(pool).build().run(1);
    RoundSummary last = result.history().last();
    assertThat(last.bytesDown()).isEqualTo(pool.asked.get(0).plan().adapter().bytes());
    assertThat(last.bytesUp()).isZero();
  }

  @Test
  void planOfOtherLayoutsIsRefusedWhereTheRuleNeedsOne() {
    FakePool pool = answering("a");
    FedAvg smaller =
        Strategy.fedAvg()
            .assignments(
                (round, client, assignment) -> assignment.withStart(round.adapter().withRank(2)));
    assertThatThrownBy(() -> federation(pool).strategy(smaller).build().run(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("assignment of a: ")
        .hasMessageContaining("q_proj.lora_A.weight")
        .hasMessageEndingWith(
            "; the strategy's aggregator needs updates of one layout (Needs.SUM)");
    assertThat(pool.asked).isEmpty();
    assertThat(pool.ends).extracting(RunEvent.RunClosed::end).containsExactly(RunEvent.End.FAILED);
  }

  // ---- what clients keep

  @Test
  void taskBuildsOnWhatTheLastAnswerThatCountedLeft() throws Exception {
    FakePool pool = new FakePool("a");
    pool.onAsk(
        task -> {
          long examples = task.plan().round() == 2 ? 0 : 1; // rejected in round 2
          boolean keeps = task.plan().round() != 4;
          pool.answer(task, 1, examples, org.edgefit.adapter.NamedTensors.none(), keeps);
        });
    federation(pool).rollbackRounds(2).build().run(6);
    assertThat(pool.asked)
        .extracting(task -> task.plan().memory())
        .containsExactly(
            null, // nothing is kept yet
            new TaskId(1),
            new TaskId(1), // that of round 2 did not count
            new TaskId(3),
            new TaskId(3), // round 4 left nothing
            new TaskId(5));
    assertThat(pool.asked)
        .extracting(task -> task.plan().horizon())
        .containsExactly(
            null,
            null,
            null,
            new TaskId(1), // round 4 may go back to the state after round 1
            new TaskId(1),
            new TaskId(3));
  }

  // ---- what a round leaves

  @Test
  void notesOfARoundAreEachSaidOnceShownWithoutControlsAndBounded() throws Exception {
    FakePool pool = answering("a");
    Strategy noisy =
        planned(
            round -> {
              round.note("twice\u001b");
              round.note("twice\u001b");
              for (int i = 0; i < 150 && round.round() == 1; i++) {
                round.note("note " + i);
              }
              return RoundPlan.of(round.available(), round.assignment());
            });
    RunResult result = federation(pool).strategy(noisy).build().run(2);
    List<String> first = result.history().rounds().get(1).notes();
    assertThat(first).hasSize(101).startsWith("twice\\u001b", "note 0").endsWith("and more");
    assertThat(result.history().last().notes()).containsExactly("twice\\u001b");
  }

  @Test
  void stateThatIsNoNumberIsNotPublishedAndItsTensorIsNamed() throws Exception {
    Strategy broken =
        new Strategy() {
          @Override
          public RoundPlan configureFit(RoundContext round) {
            return RoundPlan.of(round.available(), round.assignment());
          }

          @Override
          public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
            AdapterDelta mean = updates.weightedMean();
            return round.state().plus(mean).with("momentum", mean.scaled(Double.NaN));
          }
        };
    RunResult result = federation(answering("a")).strategy(broken).build().run(1);
    assertThat(result.history().last().failure())
        .startsWith("state: momentum/base_model.model.model.layers.0.self_attn.q_proj.lora_A")
        .endsWith("[0]: NaN (expected: a finite number)");
    assertThat(result.history().last().state()).isNull();
    assertThat(moved(result)).isZero();
  }

  @Test
  void largestChangeIsToldOfThatClientWhoseChangeItIsWhateverItsSign() throws Exception {
    FakePool pool = new FakePool("a", "b", "c");
    Map<String, Float> changes = Map.of("a", 1e38f, "b", -3e38f, "c", 2e38f);
    pool.onAsk(task -> pool.answer(task, changes.get(task.clientId()), 1));
    FedAvg overflowing =
        Strategy.fedAvg()
            .optimizer(
                (round, mean) ->
                    round
                        .state()
                        .plus(mean.scaled(0), 1)
                        .plus(FakeClient.constant(mean.layout(), Float.NEGATIVE_INFINITY)));
    RunResult result = federation(pool).strategy(overflowing).build().run(1);
    assertThat(result.history().last().failure())
        .isEqualTo(
            "adapter: base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight[0]: -Infinity"
                + " (expected: a finite number); the largest delta there, 3.0E38, is b's");
  }

  @Test
  void bestRoundIsThatOfTheMeasureWithTheAdapterThatItHad() throws Exception {
    double[] f1 = {0.1, 0.5, 0.9, 0.7};
    FedAvg measured = Strategy.fedAvg().evaluator(round -> Map.of("f1", f1[round.round()]));
    RunResult result =
        federation(answering("a")).strategy(measured).best(Measure.highest("f1")).build().run(3);
    assertThat(result.best()).isNotNull();
    assertThat(result.best().round().round()).isEqualTo(2);
    assertThat(result.best().adapter().tensor(1).get(0)).isEqualTo(2);
    assertThat(moved(result)).isEqualTo(3);
    RunResult lowest =
        federation(answering("a"))
            .runDirectory(temp.resolve("lowest"))
            .strategy(measured)
            .best(Measure.lowest("f1"))
            .build()
            .run(3);
    assertThat(lowest.best().round().round()).isZero();
    RunResult unmeasured =
        federation(answering("a"))
            .runDirectory(temp.resolve("unmeasured"))
            .best(Measure.highest("f1"))
            .build()
            .run(1);
    assertThat(unmeasured.best()).isNull();
  }

  @Test
  void runIsOverBeforeItsLastRoundWhereTheStrategySaysSo() throws Exception {
    FakePool pool = answering("a");
    FedAvg stopping = Strategy.fedAvg().stopWhen(round -> round.round() == 2);
    RunResult result = federation(pool).strategy(stopping).build().run(5);
    assertThat(result.history().last().round()).isEqualTo(2);
    assertThat(pool.ends)
        .containsExactly(new RunEvent.RunClosed(RunEvent.End.DONE, "", result.adapterSha256()));
    FakePool again = answering("a");
    assertThat(federation(again).strategy(stopping).resume().build().run(5).adapterSha256())
        .isEqualTo(result.adapterSha256());
    assertThat(again.asked).isEmpty(); // it is over still
    assertThat(again.ends).isEqualTo(pool.ends);
  }

  @Test
  void runWithoutRoundsNeedsNobodyAndLeavesTheFirstAdapter() throws Exception {
    RunResult result = federation(new FakePool()).build().run(0);
    assertThat(result.history().rounds()).hasSize(1);
    assertThat(result.adapter().tensor(0)).isEqualTo(FakeClient.start().tensor(0));
    assertThat(temp.resolve("run/adapter/adapter_model.safetensors")).exists();
    assertThatThrownBy(() -> federation(new FakePool()).build().run(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rounds: -1 (expected: >= 0)");
  }

  // ---- clients come and go

  @Test
  void listenersHearWhoComesAndWhoLeaves() throws Exception {
    FakePool pool = new FakePool("early", "leaves");
    pool.canGrow = true;
    pool.onAsk(
        task -> {
          if (task.clientId().equals("early")) {
            pool.present.remove("leaves");
            pool.present.add("late");
          }
          pool.answer(task, 1, 1);
        });
    federation(pool).build().run(2);
    assertThat(all(RunEvent.ClientJoined.class))
        .extracting(RunEvent.ClientJoined::clientId)
        .containsExactly("early", "leaves", "late");
    assertThat(all(RunEvent.ClientLeft.class))
        .extracting(RunEvent.ClientLeft::clientId)
        .containsExactly("leaves");
  }

  @Test
  void roundWaitsForClientsOfAPoolThatCanGrow() throws Exception {
    FakePool pool = answering("a");
    pool.canGrow = true;
    int[] waits = new int[1];
    pool.whenIdle(
        () -> {
          if (++waits[0] == 3) {
            pool.present.add("b");
          }
        });
    RunResult result = federation(pool).minimumClients(2).build().run(1);
    assertThat(waits[0]).isEqualTo(3);
    assertThat(result.history().last().trained()).isEqualTo(2);
  }

  @Test
  void roundThatWaitsTooLongForClientsEndsTheRunByTheirNames() {
    FakePool pool = answering("a", "b");
    pool.canGrow = true;
    assertThatThrownBy(
            () ->
                federation(pool).minimumClients(3).joinTimeout(Duration.ofMillis(1)).build().run(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("clients: [a, b] at the start of round 0 (expected: at least 3)");
    assertThat(pool.ends)
        .containsExactly(
            new RunEvent.RunClosed(
                RunEvent.End.FAILED,
                "clients: [a, b] at the start of round 0 (expected: at least 3)",
                ""));
  }

  // ---- stopping and failing

  @Test
  void runThatIsStoppedTellsThePoolAndSendsItsClientsHome() {
    FakePool pool = new FakePool("a", "b");
    Federation[] running = new Federation[1];
    pool.whenIdle(() -> running[0].stop());
    running[0] = federation(pool).build();
    assertThatThrownBy(() -> running[0].run(2))
        .isInstanceOf(InterruptedException.class)
        .hasMessage("the run was stopped in round 1; can be resumed there");
    RunEvent.RunClosed end =
        new RunEvent.RunClosed(
            RunEvent.End.STOPPED, "stopped in round 1; can be resumed there", "");
    assertThat(pool.ends).containsExactly(end);
    assertThat(all(RunEvent.RunClosed.class)).containsExactly(end);
    assertThat(pool.cancelled).containsExactly(new TaskId(1), new TaskId(2));
    assertThat(all(RunEvent.ClientFinished.class)).isEmpty();
  }

  @Test
  void threadThatIsInterruptedStopsTheRun() {
    FakePool pool = new FakePool("a");
    pool.whenIdle(() -> Thread.currentThread().interrupt());
    assertThatThrownBy(() -> federation(pool).build().run(1))
        .isInstanceOf(InterruptedException.class)
        .hasMessageContaining("stopped in round 1");
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void stoppedRunAsksAgainUnderTheSameNumbersAndTakesWhatHadEnded() throws Exception {
    FakePool pool = new FakePool("a", "b", "c");
    Federation[] running = new Federation[1];
    pool.onAsk(
        task -> {
          if (task.clientId().equals("a")) {
            pool.answer(task, 3, 1);
          } else if (task.clientId().equals("b")) {
            pool.fail(task, "no time");
          }
        });
    pool.whenIdle(() -> running[0].stop());
    running[0] = federation(pool).build();
    assertThatThrownBy(() -> running[0].run(1)).isInstanceOf(InterruptedException.class);
    Duration asked = pool.asked.get(2).asked();

    FakePool again = new FakePool("a", "b", "c");
    again.onAsk(task -> again.answer(task, 5, 1));
    events.clear();
    RunResult result = federation(again).resume().build().run(1);
    assertThat(again.asked).extracting(Task::id).containsExactly(new TaskId(3));
    assertThat(again.asked.get(0).asked()).isEqualTo(asked);
    assertThat(again.asked.get(0).seed()).isEqualTo(pool.asked.get(2).seed());
    assertThat(ends(result.history().last().clients()))
        .containsExactly("a trained", "b failed", "c trained");
    assertThat(moved(result)).isEqualTo(4);
    assertThat(all(RunEvent.RunResumed.class))
        .containsExactly(new RunEvent.RunResumed(1, 1, List.of()));
    assertThat(all(RunEvent.RoundOpened.class)).hasSize(1); // told again, planned once
  }

  @Test
  void answerThatCannotBeStoredEndsTheRun() {
    FakePool pool = new FakePool("a");
    pool.onAsk(
        task -> { // a folder stands where the answer is to be kept
          Files.createDirectories(task.incoming().resolveSibling("a.safetensors/x"));
          assertThatThrownBy(() -> pool.answer(task, 1, 1)).isInstanceOf(IOException.class);
        });
    assertThatThrownBy(() -> federation(pool).build().run(1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("a.safetensors");
    assertThat(pool.ends).extracting(RunEvent.RunClosed::end).containsExactly(RunEvent.End.FAILED);
    assertThat(pool.cancelled).contains(new TaskId(1));
  }

  @Test
  void listenerThatThrowsIsToldNothingMoreAndTheOthersAre() throws Exception {
    int[] told = new int[1];
    RunListener broken =
        event -> {
          told[0]++;
          throw new StackOverflowError("a listener's own fault");
        };
    federation(answering("a")).listener(broken).build().run(1);
    assertThat(told[0]).isEqualTo(1);
    assertThat(events).hasSizeGreaterThan(5);
  }

  /** What a strategy must not have. */
  private static final class Memory {
    private int times;
  }

  @Test
  void strategyThatMakesAnotherAdapterWhenItIsRepeatedIsRefused() throws Exception {
    Memory memory = new Memory();
    FedAvg unrepeatable =
        Strategy.fedAvg()
            .evaluateClients(1)
            .optimizer((round, mean) -> round.state().plus(mean, ++memory.times));
    FakePool pool = new FakePool("a");
    Federation[] running = new Federation[1];
    pool.onAsk(
        task -> {
          if (task.plan().kind() == PlannedTask.Kind.FIT) {
            pool.answer(task, 1, 1);
          } else {
            running[0].stop();
          }
        });
    running[0] = federation(pool).strategy(unrepeatable).build();
    assertThatThrownBy(() -> running[0].run(1)).isInstanceOf(InterruptedException.class);
    String sha256 = pool.asked.get(1).plan().adapter().sha256();
    assertThatThrownBy(
            () -> federation(answering("a")).strategy(unrepeatable).resume().build().run(1))
        .isInstanceOf(IOException.class)
        .hasMessage(
            temp.resolve("run")
                + ": round 1: the same updates gave another adapter (expected: SHA-256 "
                + sha256
                + ", which clients evaluate); strategy not deterministic");
  }
}
