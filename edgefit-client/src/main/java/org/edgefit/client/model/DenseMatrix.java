package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;

/**
 * A weight that is not quantised.
 *
 * @param array (outputs, inputs), float32 or a checkpoint's 16-bit type
 * @param torchCode torch's number of the type
 */
record DenseMatrix(NDArray array, int torchCode) implements FrozenMatrix {

  @Override
  public int outputs() {
    return (int) array.getShape().get(0);
  }

  @Override
  public int inputs() {
    return (int) array.getShape().get(1);
  }

  @Override
  public NDArray rows(Scratch scratch, int from, int to) {
    if (scratch.type().torchCode() == torchCode) {
      return from == 0 && to == outputs()
          ? array
          : scratch.keep(Kernels.sliceRows(array.getManager(), array, from, to - from));
    }
    NDArray rows = scratch.array(array, to - from, inputs());
    Kernels.copyRows(rows, array, from);
    return rows;
  }

  @Override
  public FrozenMatrix as(NDManager manager, ComputeType type) {
    boolean isWide = torchCode == ComputeType.FLOAT32.torchCode();
    if (type == ComputeType.FLOAT32 || !isWide) {
      return this;
    }
    return new DenseMatrix(Kernels.toType(manager, array, type), type.torchCode());
  }

  @Override
  public long bytes() {
    int perValue = torchCode == ComputeType.FLOAT32.torchCode() ? Float.BYTES : Short.BYTES;
    return array.size() * perValue;
  }
}
