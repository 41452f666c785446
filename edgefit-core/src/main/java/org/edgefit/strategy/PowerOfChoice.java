package org.edgefit.strategy;

import java.util.Comparator;
import java.util.List;

/**
 * Power-of-choice (Cho, Wang, Joshi 2020, <i>Client Selection in Federated Learning</i>), the
 * variant that the paper calls rpow-d: of d candidates drawn at random, the m whose last reported
 * loss is highest. A client that has reported none comes first, so that each is seen once. Ties go
 * by client id. Candidates are drawn uniformly; the paper draws them by their share of the data.
 *
 * @param candidates d, >= m
 * @param count m, >= 1
 */
record PowerOfChoice(int candidates, int count) implements ClientSampler {

  private static final String LOSS = "loss";

  PowerOfChoice {
    Ranges.requireCount("clients per round", count);
    if (candidates < count) {
      throw new IllegalArgumentException(
          "candidates: " + candidates + " (expected: >= " + count + ", the clients per round)");
    }
  }

  @Override
  public List<String> sample(RoundContext round) {
    return Samplers.draw(round, candidates).stream()
        .sorted(
            Comparator.comparingDouble(
                    (String client) ->
                        -round.lastMetrics(client).getOrDefault(LOSS, Double.POSITIVE_INFINITY))
                .thenComparing(Comparator.naturalOrder()))
        .limit(count)
        .sorted()
        .toList();
  }
}
