package org.edgefit.strategy;

/** A client's weight in an average. */
@FunctionalInterface
public interface Weighting {

  /** Returns a client's weight, > 0. */
  double of(RoundContext round, Update update);

  /** Returns these weights capped at {@code cap}; a capped weight is noted. */
  default Weighting capped(double cap) {
    return new Capped(this, cap);
  }

  /** Returns the number of its records, as in the paper. */
  static Weighting examples() {
    return new Counted(Counted.What.EXAMPLES);
  }

  /** Returns the number of label tokens, so that every token has equal weight. */
  static Weighting labelTokens() {
    return new Counted(Counted.What.LABEL_TOKENS);
  }

  /** Returns one for each client. */
  static Weighting uniform() {
    return new Counted(Counted.What.ONE);
  }
}
