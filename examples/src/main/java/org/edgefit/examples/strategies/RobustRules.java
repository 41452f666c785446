package org.edgefit.examples.strategies;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Update;
import org.edgefit.strategy.UpdateSet;

/** Byzantine-robust aggregators. */
final class RobustRules {

  private RobustRules() {}

  /** The mean of each coordinate without its lowest and highest value (Yin et al. 2018). */
  public static AdapterDelta trimmedMean(RoundContext round, UpdateSet updates) {
    return updates.coordinatewiseSorted(
        values -> {
          int cut = values.length > 2 ? 1 : 0;
          return Arrays.stream(values, cut, values.length - cut).average().orElseThrow();
        });
  }

  /**
   * The update nearest to its n - f - 2 nearest others (Krum, Blanchard et al. 2017), with f = 1.
   */
  public static AdapterDelta krum(RoundContext round, UpdateSet updates) {
    List<AdapterDelta> all = new ArrayList<>();
    for (Update update : updates) {
      all.add(update.delta());
    }
    AdapterDelta best = all.get(0);
    double least = Double.POSITIVE_INFINITY;
    for (AdapterDelta one : all) {
      double score =
          all.stream()
              .mapToDouble(other -> Math.pow(one.plus(other, -1).norm(), 2))
              .sorted()
              .limit(Math.max(2, all.size() - 2)) // the nearest is itself, at no distance
              .sum();
      if (score < least) {
        least = score;
        best = one;
      }
    }
    return best;
  }
}
