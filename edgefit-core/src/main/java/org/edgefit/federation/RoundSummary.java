package org.edgefit.federation;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a run keeps of a round.
 *
 * @param round the round, from 1; 0 is the state before the first
 * @param clients the clients that were asked, by id
 * @param fitMetrics the clients' training metrics, averaged by examples
 * @param evaluateMetrics the clients' evaluation, as the strategy combined it
 * @param serverMetrics the strategy's own evaluation
 * @param bytesDown the bytes of adapters sent to clients
 * @param bytesUp the bytes of changes received from clients
 * @param duration how long the round took
 * @param adapterSha256 the hash of the adapter's file after the round
 */
public record RoundSummary(
    int round,
    List<ClientReport> clients,
    Map<String, Double> fitMetrics,
    Map<String, Double> evaluateMetrics,
    Map<String, Double> serverMetrics,
    long bytesDown,
    long bytesUp,
    Duration duration,
    String adapterSha256) {

  /** Keeps its own list. */
  public RoundSummary {
    clients = List.copyOf(clients);
  }
}
