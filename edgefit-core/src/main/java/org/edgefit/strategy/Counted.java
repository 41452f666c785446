package org.edgefit.strategy;

import java.util.Locale;

/**
 * Weights by what clients count.
 *
 * @param what what is counted
 */
record Counted(What what) implements Weighting {

  /** What is counted. */
  enum What {
    EXAMPLES,
    LABEL_TOKENS,
    ONE
  }

  @Override
  public double of(RoundContext round, Update update) {
    return switch (what) {
      case EXAMPLES -> update.examples();
      case LABEL_TOKENS -> update.labelTokens();
      case ONE -> 1;
    };
  }

  @Override
  public String toString() {
    return what.name().toLowerCase(Locale.ROOT);
  }
}
