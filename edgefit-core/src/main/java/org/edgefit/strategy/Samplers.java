package org.edgefit.strategy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The samplers that look at nothing but who is available. */
final class Samplers {

  private Samplers() {}

  /** Draws without replacement; sorted. */
  static List<String> draw(RoundContext round, int count) {
    return deal(round, count).stream().sorted().toList();
  }

  /** Returns all available clients in random order. */
  static List<String> shuffled(RoundContext round) {
    return List.copyOf(deal(round, Integer.MAX_VALUE));
  }

  /** Deals by the first steps of a Fisher-Yates shuffle. */
  private static List<String> deal(RoundContext round, int count) {
    List<String> deck = new ArrayList<>(round.available());
    SplittableRandom random = round.seed().split("sample").generator();
    int chosen = Math.min(count, deck.size());
    for (int i = 0; i < chosen; i++) {
      int j = i + random.nextInt(deck.size() - i);
      String other = deck.set(j, deck.get(i));
      deck.set(i, other);
    }
    return deck.subList(0, chosen);
  }

  /** Everyone. */
  record All() implements ClientSampler {
    @Override
    public List<String> sample(RoundContext round) {
      return round.available();
    }
  }

  /** No one. */
  record None() implements ClientSampler {
    @Override
    public List<String> sample(RoundContext round) {
      return List.of();
    }
  }

  /** A number, uniformly at random. */
  record Uniform(int count) implements ClientSampler {
    Uniform {
      Ranges.requireCount("clients per round", count);
    }

    @Override
    public List<String> sample(RoundContext round) {
      return draw(round, count);
    }
  }

  /** A fraction, uniformly at random. */
  record Fraction(double share, int minimum) implements ClientSampler {
    Fraction {
      if (!(share > 0 && share <= 1)) {
        throw new IllegalArgumentException("share: " + share + " (expected: in (0, 1])");
      }
      Ranges.requireCount("minimum", minimum);
    }

    @Override
    public List<String> sample(RoundContext round) {
      return draw(round, Math.max(minimum, (int) (share * round.available().size())));
    }
  }

  /** Another sampler with a stream of its own, so that two of a round draw independently. */
  record Split(ClientSampler sampler, String stream) implements ClientSampler {
    @Override
    public List<String> sample(RoundContext round) {
      return sampler.sample(round.split(stream));
    }
  }
}
