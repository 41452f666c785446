package org.edgefit.strategy;

/**
 * Weights of which none is more than a cap.
 *
 * @param weighting the weights
 * @param cap the cap, > 0
 */
record Capped(Weighting weighting, double cap) implements Weighting {

  Capped {
    if (!(cap > 0)) {
      throw new IllegalArgumentException("cap: " + cap + " (expected: > 0)");
    }
  }

  @Override
  public double of(RoundContext round, Update update) {
    double weight = weighting.of(round, update);
    if (weight > cap) {
      round.note(update.clientId() + ": weight " + weight + " capped at " + cap);
      return cap;
    }
    return weight;
  }
}
