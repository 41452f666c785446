package org.edgefit.strategy;

import java.util.Optional;
import org.edgefit.run.History;
import org.edgefit.run.RoundSummary;
import org.jspecify.annotations.Nullable;

/**
 * A metric for comparing rounds: the server's, or else the clients' evaluation metric.
 *
 * @param name the measure's name, for example {@code f1}
 * @param isHigherBetter whether the highest is the best, or the lowest
 */
public record Measure(String name, boolean isHigherBetter) {

  /** Returns a measure of which the highest is the best. */
  public static Measure highest(String name) {
    return new Measure(name, true);
  }

  /** Returns a measure of which the lowest is the best. */
  public static Measure lowest(String name) {
    return new Measure(name, false);
  }

  /** Returns the first round that is best by this measure; empty if none has it. */
  public Optional<RoundSummary> best(History history) {
    RoundSummary best = null;
    double most = Double.NEGATIVE_INFINITY;
    for (RoundSummary round : history.rounds()) {
      @Nullable Double value = round.metric(name);
      double goodness = value == null ? Double.NaN : isHigherBetter ? value : -value;
      if (goodness > most) {
        most = goodness;
        best = round;
      }
    }
    return Optional.ofNullable(best);
  }
}
