package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.LocalRule;
import org.edgefit.client.LocalRules;
import org.edgefit.federation.FakeClient;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.file.Json;
import org.edgefit.random.Seed;
import org.edgefit.run.RunEvent;
import org.junit.jupiter.api.Test;

/** Rules against the closed forms and reference values of {@code aggregation-cases.json}. */
class ClosedFormsTest {

  /** Float32 weights, of size 1. */
  private static final double TOLERANCE = 1e-6;

  private static final LoraConfig LORA = new LoraConfig(1, 1, 0, List.of("q_proj"));

  private static JsonNode caseOf(String id) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            ClosedFormsTest.class.getResourceAsStream("/aggregation-cases.json"))) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (JsonNode one : Json.parse(text, "cases").get("cases")) {
        if (one.get("id").asText().equals(id)) {
          return one;
        }
      }
    }
    throw new IllegalArgumentException(id);
  }

  /** Returns an adapter whose B, (values, 1), are the model; A stays as it is. */
  private static Adapter start(int values) {
    List<LinearSpec> layers = List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 1, values));
    return Adapter.initial(LORA, layers, new Seed(1));
  }

  /** A client with f(x) = a/2 (x - c)^2 that takes K steps of plain gradient descent. */
  private static FakeClient quadratic(String id, double a, double c, int steps, double lr) {
    return new FakeClient(
        id,
        asked -> {
          LocalRule.LocalTraining rule = LocalRules.found().of(asked.training()).begin(asked);
          FloatBuffer x = FloatBuffer.allocate(1).put(0, asked.adapter().tensor(1).get(0));
          FloatBuffer still = FloatBuffer.allocate(1).put(0, asked.adapter().tensor(0).get(0));
          for (int k = 0; k < steps; k++) {
            FloatBuffer none = FloatBuffer.allocate(1);
            FloatBuffer gradient = FloatBuffer.allocate(1).put(0, (float) (a * (x.get(0) - c)));
            rule.correct(0, still, none);
            rule.correct(1, x, gradient);
            x.put(0, (float) (x.get(0) - lr * gradient.get(0)));
          }
          return end(asked, rule, x);
        });
  }

  private static FitResult end(FitInstruction asked, LocalRule.LocalTraining rule, FloatBuffer x) {
    Adapter trained =
        Adapter.of(
            asked.adapter().config(),
            asked.adapter().layout(),
            List.of(asked.adapter().tensor(0), x));
    return rule.end(trained, new FitResult(trained.minus(asked.adapter()), 1, 1, Map.of()));
  }

  /** Returns the model after each round. */
  private static List<Double> rounds(Strategy strategy, JsonNode input, int rounds)
      throws Exception {
    List<FakeClient> clients = new ArrayList<>();
    for (int i = 0; i < input.get("a").size(); i++) {
      clients.add(
          quadratic(
              "c" + i,
              input.get("a").get(i).asDouble(),
              input.get("c").get(i).asDouble(),
              input.get("K").asInt(),
              input.get("lr").asDouble()));
    }
    List<Double> values = new ArrayList<>();
    ServerEvaluator watch =
        round -> {
          values.add((double) round.adapter().tensor(1).get(0));
          return Map.of();
        };
    Strategy watched =
        new ForwardingStrategy(strategy) {
          @Override
          public Map<String, Double> evaluate(RoundContext round)
              throws IOException, InterruptedException {
            return watch.evaluate(round);
          }
        };
    Federation.builder()
        .strategy(watched)
        .clients(InProcessClients.of(clients))
        .adapter(start(1))
        .build()
        .run(rounds);
    return values.subList(1, values.size());
  }

  private static void assertFirst(List<Double> values, JsonNode expected) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(values.get(i))
          .as("round %d", i + 1)
          .isCloseTo(expected.get(i).asDouble(), within(TOLERANCE));
    }
  }

  @Test
  void fedAvgDriftsToItsFixedPoint() throws Exception {
    JsonNode one = caseOf("fedavg-client-drift");
    List<Double> values = rounds(Strategy.fedAvg(), one.get("input"), 60);
    assertFirst(values, one.get("expected").get("first5"));
    assertThat(Math.abs(values.get(59) + 0.25)).as("distance to the optimum").isGreaterThan(0.05);
  }

  @Test
  void scaffoldReachesTheOptimum() throws Exception {
    JsonNode one = caseOf("scaffold-quadratic");
    List<Double> values = rounds(Strategy.fedAvg().scaffold(1), one.get("input"), 200);
    assertFirst(values, one.get("expected").get("first5"));
    assertThat(values.get(199))
        .isCloseTo(one.get("expected").get("optimum").asDouble(), within(TOLERANCE));
  }

  @Test
  void fedProxPullsTowardsTheStart() throws Exception {
    JsonNode one = caseOf("fedprox-quadratic");
    double mu = one.get("input").get("mu").asDouble();
    List<Double> values = rounds(Strategy.fedAvg().proximal(mu), one.get("input"), 50);
    assertFirst(values, one.get("expected").get("first5"));
    assertThat(values.get(49))
        .isCloseTo(one.get("expected").get("round50").asDouble(), within(TOLERANCE));
  }

  @Test
  void serverMomentumIsPyTorchs() throws Exception {
    JsonNode one = caseOf("fedavgm-lr07-m09");
    JsonNode input = one.get("input");
    List<FakeClient> clients = new ArrayList<>();
    for (int client = 0; client < 2; client++) {
      int c = client;
      clients.add(
          new FakeClient(
              "c" + c,
              asked -> {
                JsonNode round = input.get("rounds").get(asked.round() - 1);
                JsonNode goal = round.get("updates").get(c).get(0);
                FloatBuffer change = FloatBuffer.allocate(3);
                for (int i = 0; i < 3; i++) {
                  change.put(
                      i, (float) (goal.get(i).asDouble() - asked.adapter().tensor(1).get(i)));
                }
                AdapterDelta delta =
                    AdapterDelta.of(
                        asked.adapter().layout(), List.of(FloatBuffer.allocate(1), change));
                return new FitResult(delta, round.get("weights").get(c).asLong(), 1, Map.of());
              }));
    }
    List<FloatBuffer> seen = new ArrayList<>();
    Adapter zero = start(3);
    FloatBuffer first = FloatBuffer.allocate(3);
    for (int i = 0; i < 3; i++) {
      first.put(i, (float) input.get("current").get(0).get(i).asDouble());
    }
    Adapter begin = Adapter.of(zero.config(), zero.layout(), List.of(zero.tensor(0), first));
    Federation.builder()
        .strategy(
            Strategy.fedAvg()
                .optimizer(
                    ServerOptimizer.momentum(
                        input.get("server_lr").asDouble(), input.get("server_momentum").asDouble()))
                .evaluator(
                    round -> {
                      seen.add(round.adapter().tensor(1));
                      return Map.of();
                    }))
        .clients(InProcessClients.of(clients))
        .adapter(begin)
        .build()
        .run(3);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 3; i++) {
        assertThat((double) seen.get(round + 1).get(i))
            .as("round %d, value %d", round + 1, i)
            .isCloseTo(one.get("expected").get(round).get(i).asDouble(), within(TOLERANCE));
      }
    }
  }

  @Test
  void powerOfChoiceTakesTheHighestLossesThatWereReported() throws Exception {
    List<FakeClient> clients = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      clients.add(FakeClient.adding("c" + i, i, 1)); // its loss is i
    }
    List<List<String>> asked = new ArrayList<>();
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.RoundOpened opened) {
            asked.add(opened.clients());
          }
        };
    Federation.builder()
        .strategy(Strategy.fedAvg().sampler(ClientSampler.powerOfChoice(6, 2)))
        .clients(InProcessClients.of(clients))
        .adapter(start(1))
        .listener(listener)
        .build()
        .run(5);
    // Each is seen once, in the order of their ids, before those of the highest loss stay.
    assertThat(asked)
        .containsExactly(
            List.of("c0", "c1"),
            List.of("c2", "c3"),
            List.of("c4", "c5"),
            List.of("c4", "c5"),
            List.of("c4", "c5"));
  }

  @Test
  void fedBuffDiscountsWhatIsStale() {
    // Two updates in a buffer of 2, one of them from two versions ago: 1 and 1/sqrt(3).
    FakeUpdate fresh = new FakeUpdate("a", 1, FakeClient.constant(start(1).layout(), 1));
    FakeUpdate stale = new FakeUpdate("b", 1, FakeClient.constant(start(1).layout(), 3));
    Strategy strategy = Strategy.fedAvg().buffered(2, 2, 0.5);
    RoundContext round = AggregatorContract.round(3, ServerState.of(start(1)));
    ServerState next =
        strategy.aggregateFit(round, UpdateSet.of(List.of(fresh.startedAfter(2), stale)));
    assertThat((double) next.adapter().tensor(1).get(0))
        .isCloseTo(0.5 * (1 + 3 / Math.sqrt(3)) / 2, within(TOLERANCE));
  }
}
