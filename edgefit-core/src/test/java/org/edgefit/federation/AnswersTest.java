package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask.Kind;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.RoundPlan;
import org.edgefit.strategy.ServerState;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What an answer is worth, and what becomes of its file. */
@Timeout(60)
class AnswersTest {

  private static final String A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

  @TempDir Path temp;

  /** Makes the answer of a client. */
  private interface Answering {
    Task.Result to(Task task) throws IOException;
  }

  private RoundSummary round(Strategy strategy, Answering answering) throws Exception {
    FakePool pool = new FakePool("a");
    pool.onAsk(task -> pool.answer(task, answering.to(task)));
    return Federation.builder()
        .strategy(strategy)
        .clients(pool)
        .adapter(FakeClient.start())
        .runDirectory(temp.resolve("run"))
        .maxExamples(1000)
        .maxLabelTokens(5000)
        .build()
        .run(1)
        .history()
        .last();
  }

  private static Task.Result result(Task task, long examples, long labelTokens) {
    return new Task.Result(examples, labelTokens, Map.of(), task.incoming(), null, false);
  }

  private static void write(Task task, float value) throws IOException {
    UpdateFile.write(
        FakeClient.constant(task.adapter().layout(), value), NamedTensors.none(), task.incoming());
  }

  static Stream<Arguments> counts() {
    return Stream.of(
        Arguments.of(1, 1, null),
        Arguments.of(1000, 5000, null),
        Arguments.of(0, 1, "examples: 0 (expected: 1 to 1000)"),
        Arguments.of(1001, 1, "examples: 1001 (expected: 1 to 1000)"),
        Arguments.of(Long.MIN_VALUE, 1, "examples: -9223372036854775808 (expected: 1 to 1000)"),
        Arguments.of(1, 0, "labelTokens: 0 (expected: 1 to 5000)"),
        Arguments.of(1, 5001, "labelTokens: 5001 (expected: 1 to 5000)"),
        Arguments.of(0, 0, "examples: 0 (expected: 1 to 1000)"));
  }

  @ParameterizedTest(name = "{0} examples, {1} label tokens")
  @MethodSource("counts")
  void countsBeyondTheRunsLimitsAreRejected(long examples, long labelTokens, String fault)
      throws Exception {
    RoundSummary round =
        round(
            Strategy.fedAvg(),
            task -> {
              write(task, 1);
              return result(task, examples, labelTokens);
            });
    Outcome outcome = round.clients().get(0);
    assertThat(outcome.name()).isEqualTo(fault == null ? "trained" : "rejected");
    assertThat(outcome.detail()).isEqualTo(fault == null ? "" : fault);
    assertThat(outcome.examples()).isEqualTo(fault == null ? examples : 0);
    assertThat(outcome.labelTokens()).isEqualTo(fault == null ? labelTokens : 0);
  }

  @Test
  void evaluationNeedsExamplesButNoLabelTokensAndNoTensors() throws Exception {
    RoundSummary round =
        round(
            Strategy.fedAvg().evaluateClients(1),
            task -> {
              boolean trains = task.plan().kind() == Kind.FIT;
              if (trains) {
                write(task, 1);
              }
              return new Task.Result(
                  5, trains ? 1 : 0, Map.of(), trains ? task.incoming() : null, null, false);
            });
    assertThat(round.evaluations()).extracting(Outcome::name).containsExactly("evaluated");
    assertThat(round.evaluations().get(0).examples()).isEqualTo(5);
    assertThat(round.evaluations().get(0).bytes()).isZero();
  }

  @Test
  void trainingWithoutItsChangeIsRejected() throws Exception {
    RoundSummary round =
        round(Strategy.fedAvg(), task -> new Task.Result(1, 1, Map.of(), null, null, false));
    assertThat(round.clients().get(0))
        .isEqualTo(
            new Outcome.Rejected(
                round.clients().get(0).task(),
                "a",
                "update: none (expected: the adapter's change)",
                0));
    assertThat(round.bytesUp()).isZero();
  }

  /** Makes a file of an answer that is not what it should be. */
  private interface Damage {
    void write(Task task, Path file) throws IOException;
  }

  static Stream<Arguments> damagedFiles() {
    return Stream.of(
        Arguments.of("empty", (Damage) (task, file) -> Files.write(file, new byte[0]), "update: "),
        Arguments.of(
            "text",
            (Damage) (task, file) -> Files.writeString(file, "no tensors at all"),
            "update: "),
        Arguments.of(
            "cut",
            (Damage)
                (task, file) -> {
                  write(task, 1);
                  byte[] whole = Files.readAllBytes(file);
                  Files.write(file, Arrays.copyOf(whole, whole.length - 4));
                },
            "update: "),
        Arguments.of(
            "infinite",
            (Damage) (task, file) -> write(task, Float.POSITIVE_INFINITY),
            A + "[0]: Infinity (expected: a finite number)"),
        Arguments.of(
            "of another shape",
            (Damage)
                (task, file) ->
                    UpdateFile.write(
                        FakeClient.constant(task.adapter().layout(), 1).withRank(2),
                        NamedTensors.none(),
                        file),
            A),
        Arguments.of(
            "with a further tensor that is not finite",
            (Damage)
                (task, file) ->
                    UpdateFile.write(
                        FakeClient.constant(task.adapter().layout(), 1),
                        NamedTensors.none()
                            .with("more", List.of(2), FloatBuffer.wrap(new float[] {1, Float.NaN})),
                        file),
            "extra/more[1]: NaN (expected: a finite number)"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damagedFiles")
  void damagedChangeIsRejectedWithoutTheServersPathsAndSetAside(
      String what, Damage damage, String fault) throws Exception {
    long[] bytes = new long[1];
    RoundSummary round =
        round(
            Strategy.fedAvg(),
            task -> {
              damage.write(task, task.incoming());
              bytes[0] = Files.size(task.incoming());
              return result(task, 1, 1);
            });
    Outcome outcome = round.clients().get(0);
    assertThat(outcome).isInstanceOf(Outcome.Rejected.class);
    assertThat(outcome.detail()).startsWith(fault).doesNotContain(temp.toString());
    assertThat(outcome.bytes()).isEqualTo(bytes[0]);
    assertThat(round.bytesUp()).isEqualTo(bytes[0]);
    assertThat(round.failure()).isEqualTo("0 usable results (expected: at least 1)");
    Path updates = temp.resolve("run/rounds/0001/updates");
    try (Stream<Path> files = Files.list(updates)) {
      assertThat(files).containsExactly(updates.resolve("a.unused"));
    }
    assertThat(Files.size(updates.resolve("a.unused"))).isEqualTo(bytes[0]);
  }

  @Test
  void usableChangeLiesWhereTheLogSaysAndIsTheFileThatTheClientSent() throws Exception {
    String[] sent = new String[1];
    RoundSummary round =
        round(
            Strategy.fedAvg(),
            task -> {
              write(task, 0.25f);
              sent[0] = Sha256.of(task.incoming());
              return new Task.Result(3, 9, Map.of("loss", 1.5), task.incoming(), sent[0], true);
            });
    Outcome.Trained trained = (Outcome.Trained) round.clients().get(0);
    assertThat(trained.update().path()).isEqualTo("rounds/0001/updates/a.safetensors");
    assertThat(trained.update().sha256()).isEqualTo(sent[0]);
    assertThat(trained.keepsMemory()).isTrue();
    assertThat(trained.metrics()).containsOnly(Map.entry("loss", 1.5));
    Path file = temp.resolve("run").resolve(trained.update().path());
    assertThat(Sha256.of(file)).isEqualTo(sent[0]);
    assertThat(round.bytesUp()).isEqualTo(Files.size(file));
    try (UpdateFile update = UpdateFile.open(file, FakeClient.start().layout())) {
      assertThat(update.delta().tensor(0).get(0)).isEqualTo(0.25f);
    }
  }

  /** Asks for tensors beside the evaluation, and notes what a round's updates say of themselves. */
  private static final class Asking implements Strategy {
    private final StringBuilder seen = new StringBuilder();

    @Override
    public RoundPlan configureFit(RoundContext round) {
      return RoundPlan.of(round.available(), round.assignment().with("mu", 0.5));
    }

    @Override
    public RoundPlan configureEvaluate(RoundContext round) {
      return RoundPlan.of(round.available(), round.assignment().expecting("gradient"));
    }

    @Override
    public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
      updates.forEach(
          update -> {
            FloatBuffer two = FloatBuffer.allocate(2);
            update.read(0, 1, two);
            seen.append(
                String.join(
                    " ",
                    update.clientId(),
                    "task " + update.task(),
                    "from round " + update.startRound(),
                    "examples " + update.examples(),
                    "tokens " + update.labelTokens(),
                    "weight " + update.weight(),
                    "rank " + update.config().rank(),
                    "tensors " + update.layout().tensors().size(),
                    "values " + two.get(0) + " " + two.get(1),
                    "delta " + update.delta().tensor(1).get(0),
                    "metrics " + update.metrics(),
                    "extra " + update.tensors().tensor("more").get(0)));
          });
      return round.state();
    }
  }

  @Test
  void strategySeesOfAnUpdateAllThatTheClientSentAndWasAsked() throws Exception {
    Asking strategy = new Asking();
    round(
        strategy,
        task -> {
          if (task.plan().kind() == Kind.EVALUATE) {
            return new Task.Result(1, 0, Map.of(), null, null, false);
          }
          UpdateFile.write(
              FakeClient.constant(task.adapter().layout(), 2),
              NamedTensors.none().with("more", List.of(1), FloatBuffer.wrap(new float[] {8})),
              task.incoming());
          return new Task.Result(4, 40, Map.of("loss", 2.5), task.incoming(), null, false);
        });
    assertThat(strategy.seen)
        .hasToString(
            "a task 1 from round 0 examples 4 tokens 40 weight 4.0 rank 1 tensors 2 values 2.0 2.0"
                + " delta 2.0 metrics {loss=2.5} extra 8.0");
  }

  static Stream<Arguments> evaluationTensors() {
    AdapterLayout layout = FakeClient.start().layout();
    AdapterDelta gradient = FakeClient.constant(layout, 3);
    return Stream.of(
        Arguments.of("all", NamedTensors.none().with("gradient", gradient), "evaluated", ""),
        Arguments.of(
            "none", NamedTensors.none(), "rejected", "tensors: none (expected: [gradient]"),
        Arguments.of(
            "with another rank",
            NamedTensors.none().with("gradient", gradient.withRank(2)),
            "rejected",
            "extra/gradient/" + A + ": missing (expected: shape [1, 3])"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("evaluationTensors")
  void evaluationMustBringTheTensorsThatItWasAskedFor(
      String what, NamedTensors tensors, String name, String detail) throws Exception {
    RoundSummary round =
        round(
            new Asking(),
            task -> {
              boolean trains = task.plan().kind() == Kind.FIT;
              if (trains) {
                UpdateFile.write(
                    FakeClient.constant(task.adapter().layout(), 2),
                    NamedTensors.none().with("more", List.of(1), FloatBuffer.wrap(new float[] {8})),
                    task.incoming());
              } else if (!tensors.isEmpty()) {
                UpdateFile.write(
                    AdapterDelta.zero(new AdapterLayout(List.of())), tensors, task.incoming());
              }
              boolean isFile = trains || !tensors.isEmpty();
              return new Task.Result(
                  1, trains ? 1 : 0, Map.of(), isFile ? task.incoming() : null, null, false);
            });
    Outcome outcome = round.evaluations().get(0);
    assertThat(outcome.name()).isEqualTo(name);
    assertThat(outcome.detail()).startsWith(detail);
    Path evaluations = temp.resolve("run/rounds/0001/evaluations");
    assertThat(Files.exists(evaluations.resolve("a.safetensors")))
        .isEqualTo(name.equals("evaluated"));
    assertThat(Files.exists(evaluations.resolve("a.unused")))
        .isEqualTo(name.equals("rejected") && !tensors.isEmpty());
  }

  @Test
  void evaluationThatBringsAnAdaptersChangeIsRejected() throws Exception {
    RoundSummary round =
        round(
            Strategy.fedAvg().evaluateClients(1),
            task -> {
              write(task, 1);
              return result(task, 1, 1);
            });
    assertThat(round.evaluations()).extracting(Outcome::name).containsExactly("rejected");
    assertThat(round.evaluations().get(0).detail()).contains("lora_A.weight");
  }

  /** Clients that are lent a round's last values answer from many threads, each once. */
  @Test
  void answersOfManyThreadsAreEachTakenOnce() throws Exception {
    int clients = 16;
    String[] ids = new String[clients];
    for (int i = 0; i < clients; i++) {
      ids[i] = "home-" + (10 + i);
    }
    FakePool pool = new FakePool(ids);
    Thread[] threads = new Thread[2 * clients];
    List<Outcome> outcomes = java.util.Collections.synchronizedList(new java.util.ArrayList<>());
    pool.whenIdle(
        () -> {
          if (threads[0] != null) {
            return;
          }
          for (int i = 0; i < threads.length; i++) { // each client answers twice
            Task task = pool.asked.get(i % clients);
            Path own = temp.resolve("answer-" + i);
            int examples = 1 + i % clients;
            threads[i] =
                new Thread(
                    () -> {
                      try {
                        UpdateFile.write(
                            FakeClient.constant(task.adapter().layout(), examples),
                            NamedTensors.none(),
                            own);
                        Outcome outcome =
                            task.complete(new Task.Result(examples, 1, Map.of(), own, null, false));
                        if (outcome != null) {
                          outcomes.add(outcome);
                        }
                      } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                      }
                    });
            threads[i].start();
          }
          for (Thread thread : threads) {
            try {
              thread.join();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }
        });
    List<RunEvent> events = new java.util.ArrayList<>();
    RunResult result =
        Federation.builder()
            .strategy(Strategy.fedAvg())
            .clients(pool)
            .adapter(FakeClient.start())
            .runDirectory(temp.resolve("run"))
            .listener(events::add)
            .build()
            .run(1);
    assertThat(outcomes).hasSize(clients);
    assertThat(events).filteredOn(RunEvent.ClientFinished.class::isInstance).hasSize(clients);
    // sum n^2 / sum n over 1 to 16
    assertThat(result.adapter().tensor(1).get(0)).isEqualTo(1496 / 136f);
    TensorSpec first = result.adapter().layout().tensors().get(0);
    assertThat(first.name()).isEqualTo(A);
  }
}
