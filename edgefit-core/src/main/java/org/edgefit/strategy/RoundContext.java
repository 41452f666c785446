package org.edgefit.strategy;

import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Training;
import org.edgefit.random.Seed;

/**
 * What a strategy knows about a round.
 *
 * @param round the round, from 1; 0 is the state before the first
 * @param rounds the rounds of the run
 * @param adapter the global adapter
 * @param available the ids of the clients that can be asked, sorted
 * @param training the run's settings
 * @param seed the round's randomness
 */
public record RoundContext(
    int round, int rounds, Adapter adapter, List<String> available, Training training, Seed seed) {

  /** Keeps its own list. */
  public RoundContext {
    available = List.copyOf(available);
  }
}
