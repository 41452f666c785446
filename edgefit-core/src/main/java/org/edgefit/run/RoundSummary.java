package org.edgefit.run;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A run's record of a round.
 *
 * @param round the round, from 1; 0 is the state before the first
 * @param clients how the training tasks that ended in the round ended, by client id
 * @param evaluations how the evaluation tasks of the round ended, by client id
 * @param fitMetrics the clients' training metrics, as the strategy combined them
 * @param evaluateMetrics the clients' evaluation, as the strategy combined it
 * @param serverMetrics the strategy's own evaluation
 * @param bytesDown the bytes of tensors that clients fetched
 * @param bytesUp the bytes of tensors received from clients
 * @param duration the real duration of the round, also with simulated clients
 * @param adapter the file of the adapter after the round
 * @param adapterConfig the file of that adapter's config
 * @param state the file of what the strategy keeps beside the adapter, or null if that is nothing
 * @param failure why the adapter is unchanged; empty if it changed
 * @param notes what was capped, dropped or set aside
 */
public record RoundSummary(
    int round,
    List<Outcome> clients,
    List<Outcome> evaluations,
    Map<String, Double> fitMetrics,
    Map<String, Double> evaluateMetrics,
    Map<String, Double> serverMetrics,
    long bytesDown,
    long bytesUp,
    Duration duration,
    FileRef adapter,
    FileRef adapterConfig,
    @Nullable FileRef state,
    String failure,
    List<String> notes) {

  /** Copies collections. */
  public RoundSummary {
    clients = List.copyOf(clients);
    evaluations = List.copyOf(evaluations);
    fitMetrics = sorted(fitMetrics);
    evaluateMetrics = sorted(evaluateMetrics);
    serverMetrics = sorted(serverMetrics);
    notes = List.copyOf(notes);
  }

  private static Map<String, Double> sorted(Map<String, Double> metrics) {
    return java.util.Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** Returns the hash of the adapter's file after the round. */
  public String adapterSha256() {
    return adapter.sha256();
  }

  /** Returns how many clients' training counts. */
  public long trained() {
    return clients.stream().filter(Outcome::isUsable).count();
  }

  /**
   * Returns a measure of the round's adapter: the server's, or else the clients' evaluation.
   *
   * @return null if neither has one of this name
   */
  public @Nullable Double metric(String name) {
    Double server = serverMetrics.get(name);
    return server != null ? server : evaluateMetrics.get(name);
  }
}
