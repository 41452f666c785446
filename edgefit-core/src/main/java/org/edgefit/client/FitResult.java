package org.edgefit.client;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * What a client learned in a round. A result with fewer than one example or label token, another
 * layout than the adapter's or values that are not finite is rejected by the federation, and the
 * round goes on; a metric that is not finite is dropped, and that is said.
 *
 * @param delta the trained adapter less the one that it was sent
 * @param examples the records trained on, each counted once, >= 1
 * @param labelTokens the tokens learned in one pass over them, >= 1
 * @param metrics further numbers, for example {@code loss}
 * @param tensors further tensors for the strategy
 * @param memory what the client is to find in its next task if the server takes this result; null
 *     to leave its memory as it is
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

  /** Makes a result without further tensors, which leaves the memory as it is. */
  public FitResult(
      AdapterDelta delta, long examples, long labelTokens, Map<String, Double> metrics) {
    this(delta, examples, labelTokens, metrics, NamedTensors.none(), null);
  }

  /** Returns this result with further tensors for the strategy. */
  public FitResult withTensors(NamedTensors newTensors) {
    return new FitResult(delta, examples, labelTokens, metrics, newTensors, memory);
  }

  /** Returns this result with what the client is to find in its next task. */
  public FitResult withMemory(NamedTensors newMemory) {
    return new FitResult(delta, examples, labelTokens, metrics, tensors, newMemory);
  }
}
