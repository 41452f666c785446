package org.edgefit.federation;

import org.edgefit.adapter.AdapterLayout;
import org.edgefit.strategy.FitOutcome;

/** Decides whether a client's answer can be used, before a strategy sees it. */
final class UpdateCheck {

  private UpdateCheck() {}

  /** Returns the outcome, or a rejection with the first thing that is wrong with it. */
  static FitOutcome check(FitOutcome outcome, AdapterLayout layout) {
    if (!(outcome instanceof FitOutcome.Trained trained)) {
      return outcome;
    }
    String id = trained.clientId();
    if (trained.examples() < 1) {
      return new FitOutcome.Rejected(id, "examples: " + trained.examples() + " (expected: >= 1)");
    }
    if (trained.labelTokens() < 1) {
      return new FitOutcome.Rejected(
          id, "labelTokens: " + trained.labelTokens() + " (expected: >= 1)");
    }
    for (var metric : trained.metrics().entrySet()) {
      if (!Double.isFinite(metric.getValue())) {
        return new FitOutcome.Rejected(
            id, metric.getKey() + ": " + metric.getValue() + " (expected: a finite number)");
      }
    }
    try {
      layout.requireSame(trained.delta().layout());
      trained.delta().requireFinite();
    } catch (IllegalArgumentException e) {
      return new FitOutcome.Rejected(id, String.valueOf(e.getMessage()));
    }
    return outcome;
  }
}
