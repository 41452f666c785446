package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;

/** A weight in float32. */
record DenseMatrix(NDArray array) implements FrozenMatrix {

  @Override
  public int outputs() {
    return (int) array.getShape().get(0);
  }

  @Override
  public int inputs() {
    return (int) array.getShape().get(1);
  }

  @Override
  public NDArray values(DecodeScratch scratch) {
    return array;
  }

  @Override
  public long bytes() {
    return array.size() * Float.BYTES;
  }
}
