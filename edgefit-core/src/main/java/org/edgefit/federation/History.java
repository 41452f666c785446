package org.edgefit.federation;

import java.util.List;

/**
 * The rounds of a run, the first of which is round 0, the state before training.
 *
 * @param rounds the rounds in order
 */
public record History(List<RoundSummary> rounds) {

  /** Keeps its own list. */
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
}
