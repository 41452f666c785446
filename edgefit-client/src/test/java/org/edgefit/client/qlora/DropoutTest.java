package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.SplittableRandom;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.random.Seed;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Masks against Java's own SplitMix64. */
class DropoutTest {

  @ParameterizedTest(name = "{0} x {1}, rate {2}, {3}, seed {4}")
  @CsvSource({
    "3, 4, 0.5, FLOAT32, 1",
    "7, 9, 0.05, FLOAT32, -2", // the last draw is used in part
    "300, 600, 0.1, FLOAT32, 3", // several tasks
    "300, 600, 0.1, BFLOAT16, 4",
  })
  void masksAreTheDrawsOfTheSeed(int rows, int columns, double rate, ComputeType type, long value) {
    Seed seed = new Seed(value);
    try (NDManager manager = TorchEngine.newManager();
        Dropout dropout = new Dropout(manager, rate, type)) {
      NDArray mask = dropout.mask(seed, rows, columns);
      float[] values = Kernels.toType(manager, mask, ComputeType.FLOAT32).toFloatArray();
      assertThat(values).hasSize(rows * columns);
      SplittableRandom random = new SplittableRandom(seed.value());
      long threshold = Math.round(rate * 65536);
      int kept = 0;
      for (int i = 0; i < values.length; i += 4) {
        long bits = random.nextLong();
        for (int j = i; j < Math.min(values.length, i + 4); j++) {
          float expected = (bits & 0xffff) < threshold ? 0 : 1;
          assertThat(values[j]).as("element %d", j).isEqualTo(expected);
          kept += (int) expected;
          bits >>>= 16;
        }
      }
      if (values.length > 1000) {
        assertThat(1 - kept / (double) values.length).isCloseTo(rate, within(0.005));
      }
      assertThat(dropout.scale()).isCloseTo(1 / (1 - rate), within(1e-4));
    }
  }
}
