package org.edgefit.run;

import java.util.List;
import java.util.Map;

/**
 * The rounds of a run, the first of which is round 0, the state before training.
 *
 * @param rounds the rounds in order
 */
public record History(List<RoundSummary> rounds) {

  /** Copies the list. */
  public History {
    rounds = List.copyOf(rounds);
  }

  /** Returns the last round. */
  public RoundSummary last() {
    return rounds.get(rounds.size() - 1);
  }

  /** Returns the bytes that all rounds moved, down and up. */
  public long bytesMoved() {
    return rounds.stream().mapToLong(round -> round.bytesDown() + round.bytesUp()).sum();
  }

  /** Returns a client's metrics from its last accepted training; empty if there is none. */
  public Map<String, Double> lastMetrics(String clientId) {
    for (int r = rounds.size() - 1; r >= 0; r--) {
      for (Outcome outcome : rounds.get(r).clients()) {
        if (outcome.isUsable() && outcome.clientId().equals(clientId)) {
          return outcome.metrics();
        }
      }
    }
    return Map.of();
  }
}
