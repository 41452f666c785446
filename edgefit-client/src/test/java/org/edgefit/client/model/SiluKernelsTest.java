package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.SplittableRandom;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.junit.jupiter.api.Test;

/** SiLU(gate) x up and its gradients, over so many rows that they are made in several parts. */
class SiluKernelsTest {

  private static final int ROWS = 700;
  private static final int WIDTH = 1600; // 328 rows in a part: the last has 44

  private static float[] random(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-4, 4);
    }
    return values;
  }

  @Test
  void partsMakeTheWhole() {
    float[] gateUp = random(ROWS * 2 * WIDTH, 1);
    float[] gradient = random(ROWS * WIDTH, 2);
    try (NDManager manager = TorchEngine.newManager()) {
      NDArray inputs = manager.create(gateUp, new Shape(ROWS, 2 * WIDTH));
      NDArray dy = manager.create(gradient, new Shape(ROWS, WIDTH));
      float[] y = Kernels.siluMul(manager, inputs).toFloatArray();
      Kernels.siluMulBackward(inputs, dy);
      float[] gradients = inputs.toFloatArray();
      assertThat(y).hasSize(ROWS * WIDTH);
      for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < WIDTH; i++) {
          int at = row * 2 * WIDTH + i;
          double gate = gateUp[at];
          double up = gateUp[at + WIDTH];
          double d = gradient[row * WIDTH + i];
          double sigmoid = 1 / (1 + Math.exp(-gate));
          double slope = sigmoid * (1 + gate * (1 - sigmoid));
          check("y", row, i, y[row * WIDTH + i], gate * sigmoid * up);
          check("dgate", row, i, gradients[at], d * up * slope);
          check("dup", row, i, gradients[at + WIDTH], d * gate * sigmoid);
        }
      }
    }
  }

  private static void check(String what, int row, int column, double actual, double expected) {
    if (!(Math.abs(actual - expected) <= 1e-4)) { // an assertion for each would take seconds
      assertThat(actual).as("%s(%d, %d)", what, row, column).isCloseTo(expected, within(1e-4));
    }
  }
}
