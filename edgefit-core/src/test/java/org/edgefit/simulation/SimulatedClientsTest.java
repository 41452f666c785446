package org.edgefit.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunResult;
import org.edgefit.random.Seed;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;

class SimulatedClientsTest {

  private static final LoraConfig LORA = new LoraConfig(1, 1, 0, List.of("q_proj"));
  private static final List<LinearSpec> LAYERS =
      List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2));

  /** A client whose change depends on its seed alone. */
  private record Home(String id) implements FederatedClient {
    @Override
    public FitResult fit(FitInstruction asked) {
      float value = (float) asked.seed().generator().nextDouble();
      List<FloatBuffer> values = new ArrayList<>();
      for (TensorSpec tensor : asked.adapter().layout().tensors()) {
        float[] all = new float[tensor.elements()];
        Arrays.fill(all, value);
        values.add(FloatBuffer.wrap(all));
      }
      AdapterDelta delta = AdapterDelta.of(asked.adapter().layout(), values);
      return new FitResult(delta, 3, 3, Map.of());
    }

    @Override
    public EvaluateResult evaluate(EvaluateInstruction instruction) {
      throw new UnsupportedOperationException();
    }
  }

  private static RunResult run(ClientPool pool) throws Exception {
    return run(pool, Duration.ofHours(1));
  }

  private static RunResult run(ClientPool pool, Duration deadline) throws Exception {
    return Federation.builder()
        .roundDeadline(deadline)
        .strategy(Strategy.fedAvg().clientsPerRound(4))
        .clients(pool)
        .adapter(Adapter.initial(LORA, LAYERS, new Seed(1)))
        .seed(3)
        .build()
        .run(6);
  }

  private static ClientPool homes() {
    List<Home> homes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      homes.add(new Home("home-" + i));
    }
    return InProcessClients.of(homes);
  }

  private static VirtualClock clock(double dropout) {
    Map<String, ClientWork> work = new TreeMap<>();
    DeviceProfile device = new DeviceProfile("d", 1, 1, 1, 1, 0, dropout, 0.5);
    for (int i = 0; i < 6; i++) {
      work.put("home-" + i, new ClientWork(device, 1, 1 + i, 1));
    }
    return new VirtualClock(work, Double.POSITIVE_INFINITY, new Seed(9));
  }

  @Test
  void nothingIsOtherwiseWhileNobodyLeaves() throws Exception {
    RunResult simulated = run(new SimulatedClients(homes(), clock(0)));
    assertThat(simulated.adapterSha256()).isEqualTo(run(homes()).adapterSha256());
  }

  @Test
  void thoseThatLeaveOrComeLateDoNotCount() throws Exception {
    Duration deadline = Duration.ofSeconds(8);
    RunResult simulated = run(new SimulatedClients(homes(), clock(0.3)), deadline);
    assertThat(simulated.adapterSha256())
        .isEqualTo(run(new SimulatedClients(homes(), clock(0.3)), deadline).adapterSha256())
        .isNotEqualTo(run(homes()).adapterSha256());
    List<String> ends = new ArrayList<>();
    for (RoundSummary round : simulated.history().rounds()) {
      assertThat(round.clients().size()).isEqualTo(round.round() == 0 ? 0 : 4);
      for (Outcome outcome : round.clients()) {
        ends.add(outcome.name());
      }
    }
    assertThat(ends).contains("trained", "failed", "timed out");
  }

  @Test
  void roundInWhichAllLeaveChangesNothing() throws Exception {
    RunResult simulated = run(new SimulatedClients(homes(), clock(1)));
    assertThat(simulated.adapterSha256())
        .isEqualTo(simulated.history().rounds().get(0).adapterSha256());
    assertThat(simulated.history().last().clients())
        .allSatisfy(end -> assertThat(end.detail()).contains("s of virtual time"));
  }
}
