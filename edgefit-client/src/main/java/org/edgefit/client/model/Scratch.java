package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.jspecify.annotations.Nullable;

/**
 * A reused buffer of one type, for masks and for dequantised weights: large ones in tiles, so that
 * the buffer, and the engine's copy of it, stay small and in cache. On the CPU, Java writes it and
 * kernels read it; on other devices kernels do both. Not thread-safe.
 */
public final class Scratch implements AutoCloseable {

  /** The values of a part, as long as it has enough rows. */
  private static final int VALUES = 3 << 20;

  /** The values of a part on other devices, where many kernels run for each. */
  private static final int DEVICE_VALUES = 16 << 20;

  /** The bytes that a device needs beside the result to decode a value: its code and its level. */
  private static final int DEVICE_BYTES_PER_VALUE = 8;

  /** Enough rows for a fast product. */
  private static final int ROWS = 1024;

  /** Enough columns for one. */
  private static final int COLUMNS = 512;

  /** The buffer in one shape. */
  public record Space(NDArray array, ByteBuffer memory, ComputeType type) {

    /** Dequantises values {@code from} to {@code to} of a weight to {@code at}. */
    void decode(Nf4Weight weight, int from, int to, int at) {
      if (type == ComputeType.FLOAT32) {
        Nf4.decodeFloats(weight.packed(), weight.scales(), from, to, memory, at);
      } else {
        Nf4.decodeHalves(weight.packed(), weight.scales(), from, to, memory, at);
      }
    }
  }

  /** The most shapes that are kept; texts of many lengths would make ever more. */
  private static final int SHAPES = 64;

  private final NDManager manager;
  private final ComputeType type;
  private final Map<Shape, Space> spaces = new HashMap<>();
  private NDManager arrays;
  private ByteBuffer memory = ByteBuffer.allocateDirect(0);
  private @Nullable NDArray kept;

  /** Makes scratch space of a type. */
  public Scratch(NDManager parent, ComputeType type) {
    this.manager = parent.newSubManager();
    this.arrays = manager.newSubManager();
    this.type = type;
  }

  /** Returns the type. */
  public ComputeType type() {
    return type;
  }

  /** Returns whether Java writes this memory. */
  public boolean isShared() {
    return TorchEngine.sharesMemory(manager);
  }

  /** Returns the rows of a weight per tile. */
  public int rowsPerPart(FrozenMatrix matrix) {
    return partOf(matrix.outputs(), matrix.inputs(), isShared() ? VALUES : DEVICE_VALUES, ROWS);
  }

  /** Returns the columns of a weight per tile. */
  public int columnsPerPart(FrozenMatrix matrix) {
    return partOf(matrix.inputs(), matrix.outputs(), isShared() ? VALUES : DEVICE_VALUES, COLUMNS);
  }

  /**
   * Cuts a side of a weight.
   *
   * @param side its length
   * @param other the other side's
   * @param values the values of a part
   * @param enough the least of the side that a part is cut to
   */
  private static int partOf(int side, int other, int values, int enough) {
    int most = Math.max(enough, values / other);
    int parts = (side + most - 1) / most;
    int length = (side + parts - 1) / parts;
    return Math.min(side, (length + 63) / 64 * 64);
  }

  /**
   * Returns the bytes that a part of a weight takes while it is multiplied: the memory that it is
   * decoded into, and on the CPU the engine's copy of it.
   */
  static long bytesOfPart(int outputs, int inputs, ComputeType type, boolean isShared) {
    int wanted = isShared ? VALUES : DEVICE_VALUES;
    long values =
        Math.max(
            (long) inputs * partOf(outputs, inputs, wanted, ROWS),
            isShared ? (long) outputs * partOf(inputs, outputs, wanted, COLUMNS) : 0);
    return values * (type.bytes() + (isShared ? type.bytes() : DEVICE_BYTES_PER_VALUE));
  }

  /** Owns an array until the next call. */
  public NDArray keep(NDArray array) {
    if (kept != null) {
      kept.close();
    }
    array.attach(manager);
    kept = array;
    return array;
  }

  /** Returns an array of a shape, until the next call, whose content is whatever it was. */
  NDArray array(NDArray like, int rows, int columns) {
    return isShared()
        ? space(rows, columns).array()
        : keep(Kernels.empty(manager, like, rows, columns, type));
  }

  /** Returns the memory that Java writes as an array of a shape. */
  public Space space(int rows, int columns) {
    int bytes = Math.multiplyExact(Math.multiplyExact(rows, columns), type.bytes());
    Shape wanted = new Shape(rows, columns);
    boolean isTooSmall = memory.capacity() < bytes;
    if (isTooSmall || (spaces.size() >= SHAPES && !spaces.containsKey(wanted))) {
      spaces.clear();
      arrays.close();
      arrays = manager.newSubManager();
    }
    if (isTooSmall) {
      memory = ByteBuffer.allocateDirect(bytes);
    }
    return spaces.computeIfAbsent(
        wanted,
        shape -> {
          ByteBuffer part = memory.slice(0, bytes).order(ByteOrder.nativeOrder());
          return new Space(Kernels.view(arrays, part, shape, type.torchCode()), part, type);
        });
  }

  @Override
  public void close() {
    manager.close();
  }
}
