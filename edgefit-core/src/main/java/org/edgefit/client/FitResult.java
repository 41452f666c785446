package org.edgefit.client;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.AdapterDelta;

/**
 * What a client learned in a round. A result with fewer than one example or label token, another
 * layout or values that are not finite is rejected by the federation, and the round goes on.
 *
 * @param delta the trained adapter less the one that it was sent
 * @param examples the records trained on, each counted once, >= 1
 * @param labelTokens the tokens learned in one pass over them, >= 1
 * @param metrics further numbers, for example {@code loss}
 */
public record FitResult(
    AdapterDelta delta, long examples, long labelTokens, Map<String, Double> metrics) {

  /** Keeps the metrics in the order of their names. */
  public FitResult {
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }
}
