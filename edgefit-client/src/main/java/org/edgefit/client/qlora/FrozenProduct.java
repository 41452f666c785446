package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.model.FrozenMatrix;
import org.edgefit.client.model.Scratch;

/**
 * Products with frozen weights, which are decoded a part at a time: the part is still near the
 * processor when it is multiplied, and no more than it is ever decoded at once.
 */
final class FrozenProduct {

  /*
   * W (out, in) in NF4 is cut where a part of it, decoded, fits the scratch space:
   *
   *   y = x W'    by rows of W:     y[:, i] = x W_i'    parts of the result lie side by side
   *   dx = dy W   by columns of W:  dx[:, j] = dy W^j   the same; nothing is summed
   *               by rows of W:     dx = sum_i dy[:, i] W_i
   *
   * The last form serves several matrices under one another, and those that cannot be cut by
   * columns; its sum is float32 whatever the type of the products, and is rounded once.
   */

  private FrozenProduct() {}

  /**
   * Returns {@code x W'}, (rows, outputs).
   *
   * @param x (rows, inputs), in the scratch space's type
   * @param weights the matrices that make up W, under one another
   */
  static NDArray forward(
      NDManager manager, NDArray x, List<FrozenMatrix> weights, Scratch scratch) {
    FrozenMatrix first = weights.get(0);
    int part = scratch.rowsPerPart(first);
    if (weights.size() == 1 && part == first.outputs()) {
      return Kernels.linear(manager, x, first.rows(scratch, 0, part));
    }
    int outputs = weights.stream().mapToInt(FrozenMatrix::outputs).sum();
    NDArray y = Kernels.empty(manager, x, (int) x.getShape().get(0), outputs);
    int start = 0;
    for (FrozenMatrix weight : weights) {
      int rows = scratch.rowsPerPart(weight);
      for (int from = 0; from < weight.outputs(); from += rows) {
        int to = Math.min(weight.outputs(), from + rows);
        Kernels.linearPart(y, x, weight.rows(scratch, from, to), start + from);
      }
      start += weight.outputs();
    }
    return y;
  }

  /** Returns {@code dy W}, (rows, inputs); what is summed by parts is rounded once. */
  static NDArray backward(
      NDManager manager, NDArray dy, List<FrozenMatrix> weights, Scratch scratch) {
    if (weights.size() == 1) {
      FrozenMatrix only = weights.get(0);
      if (only.hasColumns() && scratch.rowsPerPart(only) < only.outputs()) {
        return backwardByColumns(manager, dy, only, scratch);
      }
    }
    ComputeType exact = ComputeType.FLOAT32;
    ComputeType type = scratch.type();
    NDArray dx = null;
    boolean isSum = false;
    int start = 0;
    for (FrozenMatrix weight : weights) {
      int rows = scratch.rowsPerPart(weight);
      for (int from = 0; from < weight.outputs(); from += rows) {
        NDArray decoded = weight.rows(scratch, from, Math.min(weight.outputs(), from + rows));
        if (dx == null) {
          dx = Kernels.linearBackward(manager, dy, decoded, start + from);
        } else {
          if (!isSum && type != exact) {
            dx = converted(manager, dx, exact);
          }
          isSum = true;
          Kernels.linearBackwardAdd(dx, dy, decoded, start + from);
        }
      }
      start += weight.outputs();
    }
    if (dx == null) {
      throw new IllegalArgumentException("weights: none");
    }
    return isSum && type != exact ? converted(manager, dx, type) : dx;
  }

  /** Makes the columns of the result a part at a time: there is nothing to sum. */
  private static NDArray backwardByColumns(
      NDManager manager, NDArray dy, FrozenMatrix weight, Scratch scratch) {
    NDArray dx = Kernels.empty(manager, dy, (int) dy.getShape().get(0), weight.inputs());
    int columns = scratch.columnsPerPart(weight);
    for (int from = 0; from < weight.inputs(); from += columns) {
      int to = Math.min(weight.inputs(), from + columns);
      Kernels.linearBackwardPart(dx, dy, weight.columns(scratch, from, to), from);
    }
    return dx;
  }

  private static NDArray converted(NDManager manager, NDArray array, ComputeType type) {
    try (array) {
      return Kernels.toType(manager, array, type);
    }
  }
}
