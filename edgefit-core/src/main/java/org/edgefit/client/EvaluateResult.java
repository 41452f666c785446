package org.edgefit.client;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a client measured on its own held-out data.
 *
 * @param examples the records evaluated, > 0
 * @param metrics the measures by name, for example {@code loss}, {@code f1}
 */
public record EvaluateResult(long examples, Map<String, Double> metrics) {

  /** Keeps the metrics in the order of their names. */
  public EvaluateResult {
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }
}
