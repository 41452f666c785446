package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.RandomValues;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

/** Client-side corrections, held to the papers' formulas in double. */
class LocalRulesTest {

  private static final LoraConfig CONFIG = new LoraConfig(2, 4, 0, List.of("q_proj"));
  private static final AdapterLayout LAYOUT =
      AdapterLayout.of(CONFIG, List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2)));

  private static List<FloatBuffer> values(long seed) {
    return RandomValues.of(LAYOUT, seed);
  }

  private static Adapter adapter(long seed) {
    return Adapter.of(CONFIG, LAYOUT, values(seed));
  }

  private static AdapterDelta delta(long seed) {
    return AdapterDelta.of(LAYOUT, values(seed));
  }

  private static FitInstruction instruction(Payload payload, NamedTensors memory, String rule) {
    return new FitInstruction(
        new TaskId(1),
        1,
        3,
        adapter(1),
        RunSettings.defaults(),
        Training.defaults().toBuilder().rule(rule).build(),
        new Seed(0),
        payload,
        memory);
  }

  private static LocalRule.LocalTraining begin(FitInstruction instruction) {
    return LocalRules.found().of(instruction.training()).begin(instruction);
  }

  @Test
  void plainTrainingLeavesTheGradient() {
    LocalRule.LocalTraining training = begin(instruction(Payload.none(), NamedTensors.none(), ""));
    FloatBuffer gradient = values(5).get(0);
    training.correct(0, values(6).get(0), gradient);
    assertThat(gradient).isEqualTo(values(5).get(0));
  }

  @Test
  void proximalTermPullsTowardsTheStart() {
    Payload payload = new Payload(NamedTensors.none(), Config.none().with("mu", 0.25));
    LocalRule.LocalTraining training = begin(instruction(payload, NamedTensors.none(), "fedprox"));
    for (int t = 0; t < 2; t++) {
      FloatBuffer gradient = values(5).get(t);
      training.correct(t, values(6).get(t), gradient);
      for (int i = 0; i < gradient.capacity(); i++) {
        double expected =
            values(5).get(t).get(i)
                + 0.25 * (values(6).get(t).get(i) - adapter(1).tensor(t).get(i));
        assertThat((double) gradient.get(i)).isCloseTo(expected, within(1e-7));
      }
    }
  }

  @Test
  void proximalTermNeedsItsMu() {
    FitInstruction without = instruction(Payload.none(), NamedTensors.none(), "fedprox");
    assertThatThrownBy(() -> begin(without)).hasMessageStartingWith("config: mu: none");
  }

  /** Karimireddy et al. 2020, option II, with c_i+ as the mean of the gradients. */
  @Test
  void controlVariatesCorrectEachStepAndAreTheMeanOfItsGradients() {
    Payload payload = new Payload(NamedTensors.none().with("control", delta(2)), Config.none());
    NamedTensors memory = NamedTensors.none().with("control", delta(3));
    LocalRule.LocalTraining training = begin(instruction(payload, memory, "scaffold"));
    int steps = 5;
    double[][] sums = new double[2][6];
    for (int step = 0; step < steps; step++) {
      for (int t = 0; t < 2; t++) {
        FloatBuffer gradient = values(10 + step).get(t);
        training.correct(t, values(6).get(t), gradient);
        for (int i = 0; i < gradient.capacity(); i++) {
          double g = values(10 + step).get(t).get(i);
          sums[t][i] += g;
          double expected = g - delta(3).tensor(t).get(i) + delta(2).tensor(t).get(i);
          assertThat((double) gradient.get(i)).isCloseTo(expected, within(3e-7));
        }
      }
    }
    FitResult result = training.end(adapter(4), new FitResult(delta(9), 7, 70, Map.of()));
    AdapterDelta change = result.tensors().delta("control", LAYOUT);
    AdapterDelta kept = result.memory().delta("control", LAYOUT);
    for (int t = 0; t < 2; t++) {
      for (int i = 0; i < kept.tensor(t).capacity(); i++) {
        double mean = sums[t][i] / steps;
        assertThat((double) kept.tensor(t).get(i)).isCloseTo(mean, within(1e-6));
        assertThat((double) change.tensor(t).get(i))
            .isCloseTo(mean - delta(3).tensor(t).get(i), within(1e-6));
      }
    }
  }

  @Test
  void firstControlVariateOfAClientIsZero() {
    Payload payload = new Payload(NamedTensors.none().with("control", delta(2)), Config.none());
    LocalRule.LocalTraining training = begin(instruction(payload, NamedTensors.none(), "scaffold"));
    FloatBuffer gradient = values(10).get(0);
    training.correct(0, values(6).get(0), gradient);
    assertThat((double) gradient.get(0))
        .isCloseTo((double) values(10).get(0).get(0) + delta(2).tensor(0).get(0), within(1e-7));
  }

  @Test
  void serversControlVariateMustBeThere() {
    FitInstruction without = instruction(Payload.none(), NamedTensors.none(), "scaffold");
    assertThatThrownBy(() -> begin(without)).hasMessageStartingWith("tensor: control/");
  }

  @Test
  void ruleThatAClientDoesNotKnowIsNamed() {
    Training training = Training.defaults().toBuilder().rule("feddyn\n").build();
    assertThatThrownBy(() -> LocalRules.found().of(training))
        .hasMessage(
            "local rule: feddyn\\n (expected: one of [fedprox, scaffold], which this client"
                + " knows)");
  }

  @Test
  void ruleOfOnesOwnIsAddedOrReplaces() {
    LocalRule own =
        new LocalRule() {
          @Override
          public String name() {
            return "fedprox";
          }

          @Override
          public LocalTraining begin(FitInstruction instruction) {
            return (tensor, weights, gradient) -> gradient.put(0, 42);
          }
        };
    FitInstruction instruction = instruction(Payload.none(), NamedTensors.none(), "fedprox");
    FloatBuffer gradient = values(5).get(0);
    LocalRules.found()
        .with(own)
        .of(instruction.training())
        .begin(instruction)
        .correct(0, values(6).get(0), gradient);
    assertThat(gradient.get(0)).isEqualTo(42);
  }
}
