package org.edgefit.strategy;

import java.util.ArrayList;
import java.util.List;

/**
 * Batcher's merge exchange (Knuth, <i>The Art of Computer Programming</i> 3, 5.2.2, algorithm M):
 * sorts the rows of many columns at once. Which values are compared does not depend on them, so
 * that each comparison is a loop over two rows, of the kind that a processor does 8 or 16 at a
 * time.
 */
final class SortingNetwork {

  private final List<int[]> exchanges = new ArrayList<>();

  /** Makes the network for so many rows. */
  SortingNetwork(int rows) {
    int top = Integer.highestOneBit(Math.max(1, rows - 1));
    for (int p = top; p > 0; p >>= 1) {
      int q = top;
      int r = 0;
      int d = p;
      while (true) {
        for (int i = 0; i + d < rows; i++) {
          if ((i & p) == r) {
            exchanges.add(new int[] {i, i + d});
          }
        }
        if (q == p) {
          break;
        }
        d = q - p;
        q >>= 1;
        r = p;
      }
    }
  }

  /** Sorts each of the first columns: the least value comes to row 0. */
  void sort(float[][] rows, int columns) {
    for (int[] exchange : exchanges) {
      exchange(rows[exchange[0]], rows[exchange[1]], columns);
    }
  }

  private static void exchange(float[] low, float[] high, int columns) {
    for (int i = 0; i < columns; i++) {
      float a = low[i];
      float b = high[i];
      low[i] = Math.min(a, b);
      high[i] = Math.max(a, b);
    }
  }
}
