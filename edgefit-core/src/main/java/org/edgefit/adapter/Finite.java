package org.edgefit.adapter;

import java.nio.FloatBuffer;

/** Checks for NaN and infinite values. */
final class Finite {

  private Finite() {}

  /** Checks that every value is finite, and names the first that is not. */
  static void require(String tensor, FloatBuffer values) {
    for (int i = 0; i < values.capacity(); i++) {
      float value = values.get(i);
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            tensor + "[" + i + "]: " + value + " (expected: a finite number)");
      }
    }
  }
}
