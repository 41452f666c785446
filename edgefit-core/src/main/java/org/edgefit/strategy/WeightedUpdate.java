package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.TaskId;

/** A reweighted update. */
record WeightedUpdate(Update update, double weight) implements Update {

  @Override
  public String clientId() {
    return update.clientId();
  }

  @Override
  public TaskId task() {
    return update.task();
  }

  @Override
  public int startRound() {
    return update.startRound();
  }

  @Override
  public long examples() {
    return update.examples();
  }

  @Override
  public long labelTokens() {
    return update.labelTokens();
  }

  @Override
  public Map<String, Double> metrics() {
    return update.metrics();
  }

  @Override
  public LoraConfig config() {
    return update.config();
  }

  @Override
  public AdapterLayout layout() {
    return update.layout();
  }

  @Override
  public AdapterDelta delta() {
    return update.delta();
  }

  @Override
  public NamedTensors tensors() {
    return update.tensors();
  }

  @Override
  public void read(int tensor, int from, FloatBuffer out) {
    update.read(tensor, from, out);
  }
}
