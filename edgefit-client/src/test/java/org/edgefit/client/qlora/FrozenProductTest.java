package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.FrozenMatrix;
import org.edgefit.client.model.Scratch;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.RopeConfig;
import org.edgefit.random.Seed;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products with weights that are decoded a part at a time, against sums in Java. */
class FrozenProductTest {

  private static final int HIDDEN = 1088;
  private static final int ROWS = 3;

  /** Gate and up are 6400 x 1088 together: several parts, of rows and of columns. */
  private static final ModelConfig CONFIG =
      new ModelConfig(
          "llama",
          HIDDEN,
          3200,
          1,
          17,
          17,
          64,
          100,
          1e-5,
          new RopeConfig(10000, 64, new RopeConfig.Unscaled()),
          Collections.nCopies(1, 0),
          false,
          Set.of(),
          128,
          true,
          1,
          Set.of(2));

  @ParameterizedTest
  @EnumSource(ComputeType.class)
  void partsMakeTheWholeProduct(ComputeType type) {
    assumeTrue(ComputeProbe.supports(type, Device.cpu()), "no such products on this machine");
    try (BaseModel base = BaseModel.random(CONFIG, new Seed(1), Device.cpu());
        NDManager manager = base.newManager();
        Scratch scratch = new Scratch(manager, type);
        Scratch whole = new Scratch(manager, type)) {
      List<FrozenMatrix> weights = base.layers().get(0).mlpIn().weights();
      FrozenMatrix matrix = weights.get(0);
      assertThat(weights).hasSize(1);
      if (TorchEngine.sharesMemory(manager)) { // elsewhere parts are larger
        assertThat(scratch.rowsPerPart(matrix)).isLessThan(matrix.outputs());
        assertThat(scratch.columnsPerPart(matrix)).isLessThan(matrix.inputs());
      }
      float[] w = floats(manager, matrix.rows(whole, 0, matrix.outputs()));
      double tolerance = type == ComputeType.FLOAT32 ? 1e-5 : 1e-2;

      NDArray x = random(manager, matrix.inputs(), type);
      float[] in = floats(manager, x);
      float[] y = floats(manager, FrozenProduct.forward(manager, x, weights, scratch));
      for (int row = 0; row < ROWS; row++) {
        for (int output = 0; output < matrix.outputs(); output++) {
          double sum = 0;
          double size = 0;
          for (int i = 0; i < HIDDEN; i++) {
            double term = (double) in[row * HIDDEN + i] * w[output * HIDDEN + i];
            sum += term;
            size += Math.abs(term);
          }
          assertThat((double) y[row * matrix.outputs() + output])
              .isCloseTo(sum, within(tolerance * size));
        }
      }

      NDArray dy = random(manager, matrix.outputs(), type);
      float[] out = floats(manager, dy);
      float[] dx = floats(manager, FrozenProduct.backward(manager, dy, weights, scratch));
      for (int row = 0; row < ROWS; row++) {
        double[] sums = new double[HIDDEN];
        double[] sizes = new double[HIDDEN];
        for (int output = 0; output < matrix.outputs(); output++) {
          double value = out[row * matrix.outputs() + output];
          for (int i = 0; i < HIDDEN; i++) {
            double term = value * w[output * HIDDEN + i];
            sums[i] += term;
            sizes[i] += Math.abs(term);
          }
        }
        for (int i = 0; i < HIDDEN; i++) {
          assertThat((double) dx[row * HIDDEN + i])
              .isCloseTo(sums[i], within(tolerance * sizes[i]));
        }
      }
    }
  }

  private static NDArray random(NDManager manager, int columns, ComputeType type) {
    SplittableRandom random = new SplittableRandom(columns);
    float[] values = new float[ROWS * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    NDArray array = manager.create(values, new Shape(ROWS, columns));
    return Kernels.toType(manager, array, type);
  }

  private static float[] floats(NDManager manager, NDArray array) {
    return Kernels.toType(manager, array, ComputeType.FLOAT32).toFloatArray();
  }
}
