package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;

/**
 * A weight that is not quantised.
 *
 * @param array (outputs, inputs), float32 or a checkpoint's 16-bit type
 * @param bytesPerValue the bytes of a value
 */
record DenseMatrix(NDArray array, int bytesPerValue) implements FrozenMatrix {

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
    if (scratch.type() == ComputeType.FLOAT32 && bytesPerValue == Float.BYTES) {
      return from == 0 && to == outputs()
          ? array
          : scratch.keep(
              TorchKernels.call(array.getManager(), "slice_rows", array, from, to - from));
    }
    NDArray rows = scratch.array(array, to - from, inputs());
    TorchKernels.update("copy_rows_", rows, array, from);
    return rows;
  }

  @Override
  public long bytes() {
    return array.size() * bytesPerValue;
  }
}
