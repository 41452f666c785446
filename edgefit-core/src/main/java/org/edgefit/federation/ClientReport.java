package org.edgefit.federation;

import java.util.Map;

/**
 * What a run keeps of one client's part in a round.
 *
 * @param clientId the client's id
 * @param outcome {@code trained}, {@code failed}, {@code timed out} or {@code rejected}
 * @param detail the reason, or empty if it trained
 * @param examples the records trained on
 * @param labelTokens the tokens learned in one pass over them
 * @param metrics what the client measured
 */
public record ClientReport(
    String clientId,
    String outcome,
    String detail,
    long examples,
    long labelTokens,
    Map<String, Double> metrics) {

  /** Returns whether the client's change went into the round. */
  public boolean trained() {
    return outcome.equals("trained");
  }
}
