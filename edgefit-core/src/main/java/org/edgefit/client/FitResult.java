package org.edgefit.client;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * The result of a client's local training. The federation rejects a result with fewer than one
 * example or label token, another layout than the adapter's, or non-finite values, and continues
 * the round; it drops non-finite metrics with a note.
 *
 * @param delta trained adapter minus received adapter
 * @param examples the records trained on, each counted once, >= 1
 * @param labelTokens the label tokens of one epoch, >= 1
 * @param metrics further numbers, for example {@code loss}
 * @param tensors further tensors for the strategy
 * @param memory the client's state for its next task if the server accepts this result; null to
 *     leave it unchanged
 */
public record FitResult(
    AdapterDelta delta,
    long examples,
    long labelTokens,
    Map<String, Double> metrics,
    NamedTensors tensors,
    @Nullable NamedTensors memory) {

  /** Keeps the metrics in the order of their names. */
  public FitResult {
    Objects.requireNonNull(delta, "delta: null");
    Objects.requireNonNull(metrics, "metrics: null");
    Objects.requireNonNull(tensors, "tensors: null");
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** Makes a result without more tensors and with unchanged client state. */
  public FitResult(
      AdapterDelta delta, long examples, long labelTokens, Map<String, Double> metrics) {
    this(delta, examples, labelTokens, metrics, NamedTensors.none(), null);
  }

  /** Returns this result with further tensors for the strategy. */
  public FitResult withTensors(NamedTensors newTensors) {
    return new FitResult(delta, examples, labelTokens, metrics, newTensors, memory);
  }

  /** Returns this result with new client state for the next task. */
  public FitResult withMemory(NamedTensors newMemory) {
    return new FitResult(delta, examples, labelTokens, metrics, tensors, newMemory);
  }
}
