package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.edgefit.format.ModelConfig;

/**
 * The angles of rotary position embeddings (Su et al. 2021), in float32 as transformers computes
 * them. The sine's first half is negated, so that {@code x cos + roll(x) sin} is the rotation.
 *
 * @param cos (length, head size)
 * @param sin (length, head size)
 */
record Rotary(NDArray cos, NDArray sin) implements AutoCloseable {

  /** Returns the angles of the given positions, one row each. */
  static Rotary of(NDManager manager, ModelConfig config, int[] positions) {
    int half = config.headSize() / 2;
    Shape shape = new Shape(positions.length, config.headSize());
    ByteBuffer cos = memory(shape);
    ByteBuffer sin = memory(shape);
    float[] frequencies = new float[half];
    for (int i = 0; i < half; i++) {
      float exponent = 2f * i / config.headSize();
      frequencies[i] = 1f / (float) Math.pow(config.ropeTheta(), exponent);
    }
    for (int row = 0; row < positions.length; row++) {
      for (int i = 0; i < half; i++) {
        float angle = positions[row] * frequencies[i];
        int first = (row * config.headSize() + i) * Float.BYTES;
        int second = first + half * Float.BYTES;
        float c = (float) Math.cos(angle);
        float s = (float) Math.sin(angle);
        cos.putFloat(first, c).putFloat(second, c);
        sin.putFloat(first, -s).putFloat(second, s);
      }
    }
    return new Rotary(
        manager.create(cos, shape, DataType.FLOAT32), manager.create(sin, shape, DataType.FLOAT32));
  }

  private static ByteBuffer memory(Shape shape) {
    return ByteBuffer.allocateDirect(Math.toIntExact(shape.size()) * Float.BYTES)
        .order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    cos.close();
    sin.close();
  }
}
