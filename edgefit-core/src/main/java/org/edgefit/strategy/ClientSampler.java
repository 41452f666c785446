package org.edgefit.strategy;

import java.util.List;

/** Chooses the clients of a round. */
@FunctionalInterface
public interface ClientSampler {

  /**
   * Returns some of the clients that are available.
   *
   * @param round the round, whose seed is the randomness
   */
  List<String> sample(RoundContext round);

  /** Returns every available client. */
  static ClientSampler all() {
    return new Samplers.All();
  }

  /** Returns no client. */
  static ClientSampler none() {
    return new Samplers.None();
  }

  /**
   * Draws {@code count} clients uniformly without replacement, or takes all if there are fewer.
   *
   * @param count the clients per round, >= 1
   */
  static ClientSampler uniform(int count) {
    return new Samplers.Uniform(count);
  }

  /**
   * Samples a fraction of available clients uniformly without replacement (floor) (Flower's {@code
   * fraction_fit}).
   *
   * @param share the share, in (0, 1]
   * @param minimum the minimum to sample, >= 1, if that many are available
   */
  static ClientSampler fraction(double share, int minimum) {
    return new Samplers.Fraction(share, minimum);
  }

  /**
   * Samples candidates uniformly and takes those with highest loss (power-of-choice, Cho et al.
   * 2020, with the losses that clients last reported).
   *
   * @param candidates how many are drawn at first, >= count
   * @param count the clients per round, >= 1
   */
  static ClientSampler powerOfChoice(int candidates, int count) {
    return new PowerOfChoice(candidates, count);
  }
}
