package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * The LoRA branches of linear layers that share an input. Their A matrices are stacked by rows, so
 * that one matmul serves all of them.
 *
 * @param a the A matrices, (branches x rank, inputs), in the type of the products
 * @param gradA the gradient of A, float32
 * @param branches the adapted layers, in the order of their rows in A
 */
record LoraGroup(NDArray a, NDArray gradA, List<Branch> branches) {

  /**
   * One adapted layer.
   *
   * @param column the first of its columns in the output of the layers that share the input
   * @param start the first of its rows in A
   * @param b the B matrix, (outputs, rank), in the type of the products
   * @param gradB the gradient of B, float32
   */
  record Branch(int column, int start, NDArray b, NDArray gradB) {}
}
