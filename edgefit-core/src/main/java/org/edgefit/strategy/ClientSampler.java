package org.edgefit.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.random.Seed;

/** Chooses the clients of a round. */
@FunctionalInterface
public interface ClientSampler {

  /**
   * Returns some of the available clients.
   *
   * @param available the clients' ids, sorted
   * @param seed the round's randomness
   */
  List<String> sample(List<String> available, Seed seed);

  /** Returns every available client. */
  static ClientSampler all() {
    return (available, seed) -> available;
  }

  /**
   * Draws {@code count} clients uniformly without replacement, or takes all if there are fewer.
   *
   * @param count the clients per round, >= 1
   */
  static ClientSampler uniform(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("clients per round: " + count + " (expected: >= 1)");
    }
    return (available, seed) -> {
      List<String> deck = new ArrayList<>(available);
      SplittableRandom random = seed.split("sample").generator();
      int chosen = Math.min(count, deck.size());
      for (int i = 0; i < chosen; i++) { // the first steps of a Fisher-Yates shuffle
        int j = i + random.nextInt(deck.size() - i);
        String other = deck.set(j, deck.get(i));
        deck.set(i, other);
      }
      return deck.subList(0, chosen).stream().sorted().toList();
    };
  }
}
