package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.TorchEngine;

/** A frozen weight of a base model, of shape (outputs, inputs). */
public interface FrozenMatrix {

  /** Returns NF4 weights, stacked by rows, on the manager's device. */
  static FrozenMatrix nf4(NDManager manager, List<Nf4Weight> weights) {
    return TorchEngine.sharesMemory(manager)
        ? new Nf4Matrix(weights)
        : DeviceNf4Matrix.of(manager, weights);
  }

  /** Returns the number of rows. */
  int outputs();

  /** Returns the number of columns. */
  int inputs();

  /**
   * Returns some of the rows in the scratch space's compute type. The array belongs to the matrix
   * or to the scratch space, is valid until the next call with the same scratch space, and must not
   * be changed.
   *
   * @param to the row after the last
   */
  NDArray rows(Scratch scratch, int from, int to);

  /** Returns whether {@link #columns} can be had. */
  default boolean hasColumns() {
    return false;
  }

  /**
   * Returns some of the columns, (outputs, to - from), otherwise as {@link #rows}.
   *
   * @param to the column after the last
   * @throws UnsupportedOperationException if there are rows alone
   */
  default NDArray columns(Scratch scratch, int from, int to) {
    throw new UnsupportedOperationException("columns");
  }

  /**
   * Returns the weight for matmuls in a type: a converted copy, owned by the manager, if a float32
   * weight would otherwise be converted each time, else this.
   */
  default FrozenMatrix as(NDManager manager, ComputeType type) {
    return this;
  }

  /** Returns the bytes of the weight at rest. */
  long bytes();
}
