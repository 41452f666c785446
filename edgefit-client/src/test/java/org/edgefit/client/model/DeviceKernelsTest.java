package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.format.safetensors.HalfFloat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What other devices compute with, on the CPU, against Java. */
class DeviceKernelsTest {

  private static Nf4Weight weight(int outputs, int inputs, boolean doubleQuantized, long seed)
      throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[outputs * inputs];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return new Nf4Quantizer()
        .quantize(
            (first, out) -> out.put(values, (int) first, out.remaining()),
            outputs,
            inputs,
            doubleQuantized);
  }

  @ParameterizedTest(name = "{0} and {1} rows of {2}, double {3}, {4}")
  @CsvSource({
    "40, 24, 64, true, FLOAT32",
    "40, 24, 64, true, BFLOAT16",
    "40, 24, 64, false, FLOAT32",
    "700, 90, 100, true, FLOAT32", // rows that begin within a block, more than 256 blocks
    "7, 5, 9, false, BFLOAT16", // an odd number of values
  })
  void nf4IsDecodedToTheSameBits(
      int first, int second, int inputs, boolean doubleQuantized, ComputeType type)
      throws IOException {
    List<Nf4Weight> weights =
        List.of(
            weight(first, inputs, doubleQuantized, 1), weight(second, inputs, doubleQuantized, 2));
    float[] expected = new float[(first + second) * inputs];
    System.arraycopy(weights.get(0).decode(), 0, expected, 0, first * inputs);
    System.arraycopy(weights.get(1).decode(), 0, expected, first * inputs, second * inputs);
    try (NDManager manager = TorchEngine.newManager();
        Scratch scratch = new Scratch(manager, type)) {
      FrozenMatrix matrix = FrozenMatrix.nf4(manager, weights);
      assertThat(matrix).isInstanceOf(isPortable() ? DeviceNf4Matrix.class : Nf4Matrix.class);
      for (int[] part : new int[][] {{0, first + second}, {1, first}, {first - 2, first + 3}}) {
        float[] rows =
            Kernels.toType(manager, matrix.rows(scratch, part[0], part[1]), ComputeType.FLOAT32)
                .toFloatArray();
        assertThat(rows).hasSize((part[1] - part[0]) * inputs);
        for (int i = 0; i < rows.length; i++) {
          float value = expected[part[0] * inputs + i];
          assertThat(rows[i])
              .as("value %d of rows %d to %d", i, part[0], part[1])
              .isEqualTo(type == ComputeType.FLOAT32 ? value : rounded(value));
        }
      }
      assertThat(matrix.hasColumns()).isEqualTo(!isPortable());
      if (matrix.hasColumns()) {
        int from = inputs / 3;
        int width = inputs - 1 - from;
        float[] columns =
            Kernels.toType(
                    manager, matrix.columns(scratch, from, from + width), ComputeType.FLOAT32)
                .toFloatArray();
        assertThat(columns).hasSize((first + second) * width);
        for (int i = 0; i < columns.length; i++) {
          float value = expected[i / width * inputs + from + i % width];
          assertThat(columns[i])
              .as("column %d of row %d", from + i % width, i / width)
              .isEqualTo(type == ComputeType.FLOAT32 ? value : rounded(value));
        }
      }
      long bytes = weights.stream().mapToLong(Nf4Weight::bytes).sum();
      assertThat(matrix.bytes()).isBetween(bytes, bytes + 2L * Nf4.BLOCK / 2); // whole blocks
    }
  }

  private static float rounded(float value) {
    return Float.intBitsToFloat(HalfFloat.toBfloat16(value) << 16);
  }

  @Test
  void arraysAreCopiesWhereMemoryIsNotShared() {
    try (NDManager manager = TorchEngine.newManager()) {
      assertThat(TorchEngine.sharesMemory(manager)).isEqualTo(!isPortable());
    }
  }

  @Test
  void deviceThatIsNotThereIsRefusedByName() {
    Path model = Path.of("src/test/resources/golden/llama");
    assertThatThrownBy(() -> BaseModel.load(model, Quantization.NF4, Device.gpu(99)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("device: gpu(99) (expected: cpu()");
  }

  @Test
  void probeMeasuresTheDevice() {
    ComputeProbe probe = ComputeProbe.of(Device.cpu());
    assertThat(probe.seconds().get(ComputeType.FLOAT32)).isPositive().isFinite();
    assertThat(Double.isFinite(probe.seconds().get(ComputeType.BFLOAT16)))
        .isEqualTo(ComputeProbe.supports(ComputeType.BFLOAT16, Device.cpu()));
  }

  @Test
  void everyProcessorMultipliesFloat32AndOthersAreRefusedByName() {
    assertThat(ComputeProbe.supports(ComputeType.FLOAT32, Device.cpu())).isTrue();
    assumeFalse(
        ComputeProbe.supports(ComputeType.BFLOAT16, Device.cpu()),
        "products in bfloat16 are there");
    assertThatThrownBy(() -> ComputeProbe.require(ComputeType.BFLOAT16, Device.cpu()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "compute: bfloat16 (expected: float32; this processor does not support bfloat16)");
  }

  private static boolean isPortable() {
    return Boolean.getBoolean("edgefit.portableKernels");
  }
}
