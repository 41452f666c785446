package org.edgefit.client.model;

import java.util.Arrays;

/**
 * The signed dynamic 8-bit map (Dettmers et al. 2022, "8-bit Optimizers via Block-wise
 * Quantization", section 2.1): seven decades, each with twice as many linear steps as the one
 * below.
 */
final class DynamicMap {

  /** The 256 values in ascending order. */
  static final float[] SIGNED = signed();

  private DynamicMap() {}

  private static float[] signed() {
    float[] map = new float[256];
    int next = 0;
    for (int decade = 0; decade < 7; decade++) {
      int steps = 1 << decade;
      float unit = (float) Math.pow(10, decade - 6);
      for (int i = 0; i < steps; i++) { // the middle of each step from 0.1 to 1
        float middle = (boundary(i, steps) + boundary(i + 1, steps)) / 2;
        map[next++] = unit * middle;
        map[next++] = -unit * middle;
      }
    }
    map[next++] = 0;
    map[next] = 1;
    Arrays.sort(map);
    return map;
  }

  /** Returns the start of step {@code i} from 0.1 to 1, rounded as torch's linspace rounds it. */
  private static float boundary(int i, int steps) {
    float start = 0.1f;
    float step = (1 - start) / steps;
    return i < (steps + 1) / 2 ? Math.fma(step, i, start) : Math.fma(-step, steps - i, 1);
  }
}
