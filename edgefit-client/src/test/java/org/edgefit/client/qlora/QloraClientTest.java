package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.Config;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.LocalRule;
import org.edgefit.client.Payload;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Local rules, and the ends of tasks, on the client that trains for real. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QloraClientTest {

  private static final Path MODEL =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");
  private static final RunSettings SETTINGS = RunSettings.defaults().withMaxLength(64);
  private static final InstructionDataset DATA =
      new InstructionDataset(
          List.of(
              record("The fan is on.", "Normal"),
              record("The door opened at 3 am.", "Anomaly"),
              record("The lamp is off.", "Normal"),
              record("The oven has been on for 9 hours.", "Anomaly"),
              record("The heating is at 20 degrees.", "Normal")));

  private BaseModel base;
  private QloraClient home;
  private Adapter start;

  private static InstructionRecord record(String text, String label) {
    return new InstructionRecord(text, null, label + ".", null, label);
  }

  @BeforeAll
  void load() throws IOException {
    base = BaseModel.load(MODEL, Quantization.NF4);
    home = new QloraClient("home", base, DATA).withHeldOut(DATA);
    start = TestModel.adapter(base, LoraConfig.attention(2), 3);
  }

  @AfterAll
  void close() {
    base.close();
  }

  /** Returns a training of six steps. */
  private FitInstruction asked(String rule, Payload payload) {
    Training training =
        Training.defaults().toBuilder()
            .epochs(2)
            .batchSize(2)
            .learningRate(1e-2)
            .rule(rule)
            .build();
    return new FitInstruction(
        new TaskId(1), 1, 1, start, SETTINGS, training, new Seed(4), payload, NamedTensors.none());
  }

  private static Payload mu(double mu) {
    return new Payload(NamedTensors.none(), Config.none().with("mu", mu));
  }

  private Payload control(AdapterDelta server) {
    return new Payload(NamedTensors.none().with("control", server), Config.none());
  }

  private static void assertEqual(AdapterDelta actual, AdapterDelta expected) {
    for (int t = 0; t < expected.layout().tensors().size(); t++) {
      assertThat(actual.tensor(t)).as("tensor %d", t).isEqualTo(expected.tensor(t));
    }
  }

  /** Notes the gradients of a training that it leaves alone, or corrects by a reference. */
  private static final class Watcher implements LocalRule {

    interface Correction {
      double of(int tensor, int index, double weight, double gradient);
    }

    final List<double[]> sums = new ArrayList<>();
    final Correction correction;
    int steps;

    Watcher(Correction correction) {
      this.correction = correction;
    }

    @Override
    public String name() {
      return "watcher";
    }

    @Override
    public LocalTraining begin(FitInstruction instruction) {
      sums.clear();
      steps = 0;
      AdapterLayout layout = instruction.adapter().layout();
      layout.tensors().forEach(tensor -> sums.add(new double[tensor.elements()]));
      return (tensor, weights, gradient) -> {
        steps += tensor == 0 ? 1 : 0;
        for (int i = 0; i < gradient.capacity(); i++) {
          sums.get(tensor)[i] += gradient.get(i);
          gradient.put(i, (float) correction.of(tensor, i, weights.get(i), gradient.get(i)));
        }
      };
    }
  }

  @Test
  void fedProxPullsTowardsTheStart() throws Exception {
    FitResult plain = home.fit(asked("", Payload.none()));
    assertEqual(home.fit(asked("fedprox", mu(0))).delta(), plain.delta());

    FitResult near = home.fit(asked("fedprox", mu(10)));
    assertThat(near.delta().norm()).isLessThan(0.9 * plain.delta().norm());
    Watcher reference =
        new Watcher(
            (tensor, i, weight, gradient) ->
                gradient + 10f * (float) (weight - start.tensor(tensor).get(i)));
    assertEqual(
        near.delta(), home.withRule(reference).fit(asked("watcher", Payload.none())).delta());
  }

  @Test
  void scaffoldCorrectsByTheControlVariatesAndSendsTheMeanGradient() throws Exception {
    Watcher watcher = new Watcher((tensor, i, weight, gradient) -> gradient);
    FitResult plain = home.withRule(watcher).fit(asked("watcher", Payload.none()));
    AdapterLayout layout = start.layout();
    FitResult first = home.fit(asked("scaffold", control(AdapterDelta.zero(layout))));
    assertEqual(first.delta(), plain.delta()); // no variates yet
    assertThat(watcher.steps).isEqualTo(6);
    AdapterDelta own = first.memory().delta("control", layout);
    assertEqual(first.tensors().delta("control", layout), own);
    for (int t = 0; t < layout.tensors().size(); t++) {
      for (int i = 0; i < own.tensor(t).capacity(); i++) {
        double mean = watcher.sums.get(t)[i] / 6;
        assertThat((double) own.tensor(t).get(i))
            .isBetween(mean - 1e-6 - 1e-5 * Math.abs(mean), mean + 1e-6 + 1e-5 * Math.abs(mean));
      }
    }

    AdapterDelta server = own.scaled(-0.5);
    Watcher reference =
        new Watcher(
            (tensor, i, weight, gradient) ->
                (float) gradient - own.tensor(tensor).get(i) + server.tensor(tensor).get(i));
    FitInstruction next = asked("scaffold", control(server)).withMemory(first.memory());
    FitResult second = home.fit(next);
    assertEqual(
        second.delta(), home.withRule(reference).fit(asked("watcher", Payload.none())).delta());
    AdapterDelta kept = second.memory().delta("control", layout);
    assertEqual(second.tensors().delta("control", layout), kept.plus(own, -1));
  }

  @Test
  void ruleThatCannotBeFollowedIsNamed() {
    assertThatThrownBy(() -> home.fit(asked("fedporx", Payload.none())))
        .hasMessageContaining("local rule: fedporx (expected: one of [fedprox, scaffold]");
    assertThatThrownBy(() -> home.fit(asked("fedprox", Payload.none()))).hasMessageContaining("mu");
    assertThatThrownBy(() -> home.fit(asked("scaffold", Payload.none())))
        .hasMessageContaining("control/");
    LocalRule broken =
        new Watcher((tensor, i, weight, gradient) -> tensor == 1 ? Double.NaN : gradient);
    assertThatThrownBy(() -> home.withRule(broken).fit(asked("watcher", Payload.none())))
        .hasMessageContaining("diverged in step 1");
  }

  @Test
  void evaluationAndGenerationStopWhenTheyAreInterrupted() throws Exception {
    EvaluateInstruction asked =
        new EvaluateInstruction(
            new TaskId(1), 1, start, SETTINGS, Payload.none(), NamedTensors.none());
    assertThat(home.evaluate(asked).metrics()).containsKey("loss");
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> home.evaluate(asked)).isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();

    try (TextGenerator generator = new TextGenerator(base, start)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(
              () -> generator.answer("Turn on the fan.", GenerationOptions.greedy(4), SETTINGS))
          .isInstanceOf(InterruptedIOException.class);
    }
    assertThat(Thread.interrupted()).isFalse();
    assertThat(home.evaluate(asked).metrics()).containsKey("loss");
  }

  @Test
  void ownRuleSeesTheWeightsBeforeEachStep() throws Exception {
    FloatBuffer[] seen = new FloatBuffer[1];
    Watcher watcher =
        new Watcher(
            (tensor, i, weight, gradient) -> {
              if (tensor == 0 && i == 0) {
                seen[0] = FloatBuffer.wrap(new float[] {(float) weight});
              }
              return gradient;
            });
    Training oneStep =
        Training.defaults().toBuilder().epochs(1).batchSize(8).rule("watcher").build();
    home.withRule(watcher)
        .fit(
            new FitInstruction(
                new TaskId(1),
                1,
                1,
                start,
                SETTINGS,
                oneStep,
                new Seed(4),
                Payload.none(),
                NamedTensors.none()));
    assertThat(seen[0].get(0)).isEqualTo(start.tensor(0).get(0));
  }
}
