package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;

/** A base model's weight of shape (outputs, inputs), which training leaves alone. */
public interface FrozenMatrix {

  /** Returns the number of rows. */
  int outputs();

  /** Returns the number of columns. */
  int inputs();

  /**
   * Returns the weight in float32. The array belongs to the matrix or to the scratch space, is
   * valid until the next call with the same scratch space, and must not be closed or changed.
   */
  NDArray values(DecodeScratch scratch);

  /** Returns the bytes that the weight takes while it is not in use. */
  long bytes();
}
