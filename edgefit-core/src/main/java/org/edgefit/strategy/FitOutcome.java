package org.edgefit.strategy;

import java.time.Duration;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;

/** How one client's training ended. */
public sealed interface FitOutcome {

  /** Returns the client's id. */
  String clientId();

  /**
   * The client trained.
   *
   * @param clientId the client's id
   * @param examples the records trained on
   * @param labelTokens the tokens learned in one pass over them
   * @param delta the change of the adapter
   * @param metrics what the client measured
   */
  record Trained(
      String clientId,
      long examples,
      long labelTokens,
      AdapterDelta delta,
      Map<String, Double> metrics)
      implements FitOutcome {}

  /**
   * The client gave up or went away.
   *
   * @param clientId the client's id
   * @param reason what happened
   */
  record Failed(String clientId, String reason) implements FitOutcome {}

  /**
   * The client did not answer in time.
   *
   * @param clientId the client's id
   * @param waited the round's deadline
   */
  record TimedOut(String clientId, Duration waited) implements FitOutcome {}

  /**
   * The client's answer is not usable.
   *
   * @param clientId the client's id
   * @param reason what is wrong with it
   */
  record Rejected(String clientId, String reason) implements FitOutcome {}
}
