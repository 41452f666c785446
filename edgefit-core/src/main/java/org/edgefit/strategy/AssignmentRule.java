package org.edgefit.strategy;

/**
 * Customises a client's task (Flower's {@code on_fit_config_fn} and {@code on_evaluate_config_fn},
 * for each client).
 */
@FunctionalInterface
public interface AssignmentRule {

  /**
   * Returns what a client is asked.
   *
   * @param plain the default assignment
   */
  Assignment assign(RoundContext round, String clientId, Assignment plain);

  /** Returns the identity rule. */
  static AssignmentRule plain() {
    return new Plain();
  }

  /** Nothing. */
  record Plain() implements AssignmentRule {
    @Override
    public Assignment assign(RoundContext round, String clientId, Assignment plain) {
      return plain;
    }
  }

  /** A local rule with one number. */
  record LocalRule(String name, String option, double value) implements AssignmentRule {
    @Override
    public Assignment assign(RoundContext round, String clientId, Assignment plain) {
      return plain.withRule(name).with(option, value);
    }
  }
}
