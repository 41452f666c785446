package org.edgefit.strategy;

import java.util.Map;

/** How one client's evaluation ended. */
public sealed interface EvaluateOutcome {

  /** Returns the client's id. */
  String clientId();

  /**
   * The client evaluated.
   *
   * @param clientId the client's id
   * @param examples the records evaluated
   * @param metrics the measures by name
   */
  record Evaluated(String clientId, long examples, Map<String, Double> metrics)
      implements EvaluateOutcome {}

  /**
   * The client did not evaluate.
   *
   * @param clientId the client's id
   * @param reason what happened
   */
  record NotEvaluated(String clientId, String reason) implements EvaluateOutcome {}
}
