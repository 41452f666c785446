package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.edgefit.format.model.RopeConfig;

/**
 * The angles by which rotary position embeddings turn each pair of values.
 *
 * @param cos (rows, 1, pairs)
 * @param sin (rows, 1, pairs)
 */
record Rotary(NDArray cos, NDArray sin) {

  /*
   * Su et al. 2021: pair i of a head, (x_i, x_(i + D/2)), is turned by the angle position x
   * frequency_i, frequency_i = base^(-2 i / D) as scaled by RopeConfig. A rotation's transpose is
   * the rotation back, so the backward pass turns by the sign -1.
   */

  /**
   * Returns the angles of the given positions, one row each.
   *
   * @param length the tokens of the longest text
   */
  static Rotary of(NDManager manager, RopeConfig rope, int[] positions, int length) {
    float[] frequencies = rope.frequencies(length);
    float factor = rope.attentionFactor();
    Shape shape = new Shape(positions.length, 1, frequencies.length);
    ByteBuffer cosBytes = memory(shape);
    ByteBuffer sinBytes = memory(shape);
    FloatBuffer cos = cosBytes.asFloatBuffer();
    FloatBuffer sin = sinBytes.asFloatBuffer();
    for (int position : positions) {
      for (float frequency : frequencies) {
        float angle = position * frequency;
        cos.put((float) Math.cos(angle) * factor);
        sin.put((float) Math.sin(angle) * factor);
      }
    }
    return new Rotary(
        manager.create(cosBytes, shape, DataType.FLOAT32),
        manager.create(sinBytes, shape, DataType.FLOAT32));
  }

  private static ByteBuffer memory(Shape shape) {
    return ByteBuffer.allocateDirect(Math.toIntExact(shape.size()) * Float.BYTES)
        .order(ByteOrder.nativeOrder());
  }
}
