package org.edgefit.strategy;

import org.edgefit.run.RoundSummary;

/** Ends a run before its last round. */
@FunctionalInterface
public interface StopCondition {

  /**
   * Returns whether the run is over; the last round of {@link RoundContext#history} just closed.
   */
  boolean isMet(RoundContext round);

  /** Returns one that is never met. */
  static StopCondition never() {
    return new Never();
  }

  /**
   * Returns early stopping: met after this many rounds without a new best metric.
   *
   * @param patience the rounds without a better one, >= 1
   */
  static StopCondition noBetterFor(int patience, Measure measure) {
    return new NoBetterFor(patience, measure);
  }

  /** Never. */
  record Never() implements StopCondition {
    @Override
    public boolean isMet(RoundContext round) {
      return false;
    }
  }

  /** Early stopping. */
  record NoBetterFor(int patience, Measure measure) implements StopCondition {
    /** Checks the patience. */
    public NoBetterFor {
      Ranges.requireCount("patience", patience);
    }

    @Override
    public boolean isMet(RoundContext round) {
      int best = measure.best(round.history()).map(RoundSummary::round).orElse(0);
      return round.round() - best >= patience;
    }
  }
}
