package org.edgefit.federation;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.random.Seed;

/** A client that does what a test says, and a small adapter for it. */
public record FakeClient(String id, Fit behaviour, Evaluate evaluation) implements FederatedClient {

  public static final List<LinearSpec> LAYERS =
      List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 3, 2));
  public static final LoraConfig LORA = new LoraConfig(1, 1, 0, List.of("q_proj"));

  public interface Fit {
    FitResult fit(FitInstruction instruction) throws IOException, InterruptedException;
  }

  public interface Evaluate {
    EvaluateResult evaluate(EvaluateInstruction instruction)
        throws IOException, InterruptedException;
  }

  /** Makes a client whose evaluation counts as many examples as its id has letters. */
  public FakeClient(String id, Fit behaviour) {
    this(
        id,
        behaviour,
        asked -> new EvaluateResult(id.length(), Map.of("f1", (double) asked.round())));
  }

  @Override
  public FitResult fit(FitInstruction instruction) throws IOException, InterruptedException {
    return behaviour.fit(instruction);
  }

  @Override
  public EvaluateResult evaluate(EvaluateInstruction instruction)
      throws IOException, InterruptedException {
    return evaluation.evaluate(instruction);
  }

  /** Returns the adapter that tests start from. */
  public static Adapter start() {
    return Adapter.initial(LORA, LAYERS, new Seed(1));
  }

  /** Returns a change all of whose values are the same. */
  public static AdapterDelta constant(AdapterLayout layout, float value) {
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] all = new float[tensor.elements()];
      Arrays.fill(all, value);
      values.add(FloatBuffer.wrap(all));
    }
    return AdapterDelta.of(layout, values);
  }

  /** Returns a client that changes each weight by the same. */
  public static FakeClient adding(String id, float value, long examples) {
    return new FakeClient(
        id,
        asked ->
            new FitResult(
                constant(asked.adapter().layout(), value),
                examples,
                10 * examples,
                Map.of("loss", (double) value)));
  }

  /** Returns a client whose change depends on its seed alone. */
  public static FakeClient random(String id) {
    return new FakeClient(
        id,
        asked -> {
          SplittableRandom random = asked.seed().generator();
          Thread.sleep(random.nextInt(20));
          return new FitResult(
              constant(asked.adapter().layout(), (float) random.nextDouble()),
              random.nextInt(1, 50),
              7,
              Map.of());
        });
  }
}
