package org.edgefit.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SortingNetworkTest {

  /** A network that sorts every sequence of zeros and ones sorts all (Knuth 5.3.4, theorem Z). */
  @Test
  void zerosAndOnesOfEveryOrderAreSorted() {
    for (int rows = 1; rows <= 14; rows++) {
      int columns = 1 << rows;
      float[][] values = new float[rows][columns];
      for (int column = 0; column < columns; column++) {
        for (int row = 0; row < rows; row++) {
          values[row][column] = column >> row & 1;
        }
      }
      new SortingNetwork(rows).sort(values, columns);
      for (int column = 0; column < columns; column++) {
        int zeros = rows - Integer.bitCount(column);
        for (int row = 0; row < rows; row++) {
          assertThat(values[row][column]).isEqualTo(row < zeros ? 0 : 1);
        }
      }
    }
  }

  @Test
  void columnsAreSortedAsBySorting() {
    SplittableRandom random = new SplittableRandom(4);
    int rows = 137;
    float[][] values = new float[rows][5];
    float[][] expected = new float[5][rows];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < 5; column++) {
        values[row][column] = (float) random.nextGaussian();
        expected[column][row] = values[row][column];
      }
    }
    new SortingNetwork(rows).sort(values, 4);
    for (int column = 0; column < 5; column++) {
      if (column < 4) { // the others are left
        Arrays.sort(expected[column]);
      }
      for (int row = 0; row < rows; row++) {
        assertThat(values[row][column]).isEqualTo(expected[column][row]);
      }
    }
  }
}
