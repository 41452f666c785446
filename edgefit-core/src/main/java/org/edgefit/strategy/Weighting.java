package org.edgefit.strategy;

/** What a client's weight in an average is. */
public enum Weighting {
  /** The number of its records, as in the paper. */
  EXAMPLES,
  /** The number of tokens that it learned, so that every token counts alike. */
  LABEL_TOKENS;

  /** Returns a client's weight. */
  public double of(FitOutcome.Trained trained) {
    return this == EXAMPLES ? trained.examples() : trained.labelTokens();
  }
}
