package org.edgefit.client.model;

import java.io.IOException;
import java.nio.FloatBuffer;
import org.edgefit.format.model.BaseWeights;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * Refuses weights that are not finite numbers, by tensor and index: what is made of them is not.
 */
final class FiniteWeights {

  private static final int PART = 1 << 20;

  private FiniteWeights() {}

  /**
   * Copies values as {@link BaseWeights#copyFloats} does, and checks them.
   *
   * @throws IOException naming the first value that is not finite
   */
  static void copy(BaseWeights weights, String name, long from, FloatBuffer out)
      throws IOException {
    FloatBuffer values = out.slice();
    weights.copyFloats(name, from, out);
    for (int i = 0; i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        throw new IOException(
            weights.where(name)
                + "["
                + (from + i)
                + "]: "
                + values.get(i)
                + " (expected: a finite number)");
      }
    }
  }

  /** Checks all values of a tensor of floating-point numbers; others have none. */
  static void require(BaseWeights weights, String name) throws IOException {
    StoredTensor tensor = weights.tensor(name);
    TensorType type = tensor.type();
    if (type != TensorType.F32 && type != TensorType.F16 && type != TensorType.BF16) {
      return;
    }
    float[] part = new float[(int) Math.min(PART, tensor.elements())];
    for (long from = 0; from < tensor.elements(); from += part.length) {
      int count = (int) Math.min(part.length, tensor.elements() - from);
      copy(weights, name, from, FloatBuffer.wrap(part, 0, count));
    }
  }
}
