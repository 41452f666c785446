package org.edgefit.strategy;

import java.io.IOException;
import java.util.Map;

/** Evaluates the global adapter at the server, on data of its own. */
@FunctionalInterface
public interface ServerEvaluator {

  /** Returns the measures of {@link RoundContext#adapter} by name. */
  Map<String, Double> evaluate(RoundContext round) throws IOException, InterruptedException;

  /** Returns one that measures nothing. */
  static ServerEvaluator none() {
    return new None();
  }

  /** Nothing. */
  record None() implements ServerEvaluator {
    @Override
    public Map<String, Double> evaluate(RoundContext round) {
      return Map.of();
    }
  }
}
