package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The memory that weights are decoded into, a part of a large weight at a time, so that it stays
 * small and near the processor, as does the copy that the engine makes of it. It serves one thread
 * at a time.
 */
public final class DecodeScratch implements AutoCloseable {

  /** The most values of a part, unless a single row has more. */
  static final int VALUES = 1 << 22;

  /** The memory seen in one shape. */
  record Space(NDArray array, ByteBuffer memory, ComputeType type) {

    /** Decodes values {@code from} to {@code to} of a weight to the place {@code at}. */
    void decode(Nf4Weight weight, int from, int to, int at) {
      if (type == ComputeType.FLOAT32) {
        Nf4.decode(weight.packed(), weight.scales(), from, to, memory.asFloatBuffer(), at);
      } else {
        Nf4.decodeHalves(weight.packed(), weight.scales(), from, to, memory.asShortBuffer(), at);
      }
    }
  }

  private final NDManager manager;
  private final ComputeType type;
  private final Map<Shape, Space> spaces = new HashMap<>();
  private ByteBuffer memory = ByteBuffer.allocateDirect(0);
  private @Nullable NDArray slice;

  /** Makes scratch space for weights in a type. */
  public DecodeScratch(NDManager parent, ComputeType type) {
    this.manager = parent.newSubManager();
    this.type = type;
  }

  /** Returns the type that weights are decoded to. */
  public ComputeType type() {
    return type;
  }

  /** Returns how many rows of a weight are multiplied at a time. */
  public int rowsPerPart(FrozenMatrix matrix) {
    int parts = (int) (((long) matrix.outputs() * matrix.inputs() + VALUES - 1) / VALUES);
    int rows = (matrix.outputs() + parts - 1) / parts;
    return Math.min(matrix.outputs(), (rows + 63) / 64 * 64);
  }

  /** Returns rows of an array as they lie, until the next call. */
  NDArray slice(NDArray array, int from, int to) {
    if (slice != null) {
      slice.close();
    }
    slice = TorchKernels.call(manager, "slice_rows", array, from, to - from);
    return slice;
  }

  Space space(int rows, int columns) {
    int bytes = Math.multiplyExact(Math.multiplyExact(rows, columns), type.bytes());
    if (memory.capacity() < bytes) {
      spaces.values().forEach(space -> space.array().close());
      spaces.clear();
      memory = ByteBuffer.allocateDirect(bytes);
    }
    return spaces.computeIfAbsent(
        new Shape(rows, columns),
        shape -> {
          ByteBuffer part = memory.slice(0, bytes).order(ByteOrder.nativeOrder());
          return new Space(TorchKernels.view(manager, part, shape, type.torchCode()), part, type);
        });
  }

  @Override
  public void close() {
    manager.close();
  }
}
