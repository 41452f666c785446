package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * The memory that NF4 weights are decoded into: one buffer, as large as the largest weight, seen as
 * an array of each shape. It serves one thread at a time.
 */
public final class DecodeScratch implements AutoCloseable {

  /** The buffer seen in one shape. */
  record Space(NDArray array, FloatBuffer floats) {}

  private final NDManager manager;
  private final ByteBuffer memory;
  private final Map<Shape, Space> spaces = new HashMap<>();

  /**
   * Makes scratch space.
   *
   * @param elements the elements of the largest weight
   */
  public DecodeScratch(NDManager parent, int elements) {
    manager = parent.newSubManager();
    memory =
        ByteBuffer.allocateDirect(Math.multiplyExact(elements, Float.BYTES))
            .order(ByteOrder.nativeOrder());
  }

  Space space(int rows, int columns) {
    return spaces.computeIfAbsent(
        new Shape(rows, columns),
        shape -> {
          ByteBuffer part =
              memory.slice(0, rows * columns * Float.BYTES).order(ByteOrder.nativeOrder());
          return new Space(manager.create(part, shape, DataType.FLOAT32), part.asFloatBuffer());
        });
  }

  @Override
  public void close() {
    manager.close();
  }
}
