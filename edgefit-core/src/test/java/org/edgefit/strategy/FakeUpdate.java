package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.TaskId;

/** An update whose values are in memory. */
public record FakeUpdate(
    String clientId, double weight, AdapterDelta delta, int startRound, NamedTensors tensors)
    implements Update {

  /** Makes an update from the adapter that the run began with. */
  public FakeUpdate(String clientId, double weight, AdapterDelta delta) {
    this(clientId, weight, delta, 0, NamedTensors.none());
  }

  /** Returns this update as one from the adapter after a round. */
  public FakeUpdate startedAfter(int round) {
    return new FakeUpdate(clientId, weight, delta, round, tensors);
  }

  /** Returns this update with further tensors. */
  public FakeUpdate with(NamedTensors further) {
    return new FakeUpdate(clientId, weight, delta, startRound, further);
  }

  @Override
  public TaskId task() {
    return new TaskId(1);
  }

  @Override
  public long examples() {
    return 1;
  }

  @Override
  public long labelTokens() {
    return 1;
  }

  @Override
  public Map<String, Double> metrics() {
    return Map.of();
  }

  @Override
  public LoraConfig config() {
    return new LoraConfig(1, 1, 0, List.of("q_proj"));
  }

  @Override
  public AdapterLayout layout() {
    return delta.layout();
  }

  @Override
  public void read(int tensor, int from, FloatBuffer out) {
    int count = out.remaining();
    out.put(out.position(), delta.tensor(tensor), from, count).position(out.position() + count);
  }
}
