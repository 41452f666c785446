package org.edgefit.strategy;

/** What a client's weight in an average is. */
@FunctionalInterface
public interface Weighting {

  /** Returns a client's weight, > 0. */
  double of(RoundContext round, Update update);

  /** Returns these weights, none of them more than {@code cap}; a weight that is cut is noted. */
  default Weighting capped(double cap) {
    return new Capped(this, cap);
  }

  /** Returns the number of its records, as in the paper. */
  static Weighting examples() {
    return new Counted(Counted.What.EXAMPLES);
  }

  /** Returns the number of tokens that it learned, so that every token counts alike. */
  static Weighting labelTokens() {
    return new Counted(Counted.What.LABEL_TOKENS);
  }

  /** Returns one for each client. */
  static Weighting uniform() {
    return new Counted(Counted.What.ONE);
  }
}
