package org.edgefit.strategy;

/** Range checks of a rule's numbers. */
final class Ranges {

  private Ranges() {}

  /** Checks that there is at least one. */
  static void requireCount(String what, int count) {
    if (count < 1) {
      throw new IllegalArgumentException(what + ": " + count + " (expected: >= 1)");
    }
  }

  /** Checks that a number is positive and finite. */
  static void requirePositive(String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: > 0)");
    }
  }
}
