package org.edgefit.client;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.edgefit.adapter.NamedTensors;

/**
 * What a client measured on its own held-out data. The federation rejects a result with fewer than
 * one example, and drops non-finite metrics with a note.
 *
 * @param examples the records evaluated, >= 1
 * @param metrics the metrics by name, for example {@code loss}, {@code f1}
 * @param tensors more tensors for the strategy
 */
public record EvaluateResult(long examples, Map<String, Double> metrics, NamedTensors tensors) {

  /** Keeps the metrics in the order of their names. */
  public EvaluateResult {
    Objects.requireNonNull(metrics, "metrics: null");
    Objects.requireNonNull(tensors, "tensors: null");
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** Makes a result without further tensors. */
  public EvaluateResult(long examples, Map<String, Double> metrics) {
    this(examples, metrics, NamedTensors.none());
  }
}
