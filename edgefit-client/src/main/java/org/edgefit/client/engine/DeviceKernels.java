package org.edgefit.client.engine;

import static org.edgefit.client.engine.KernelCall.call;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/** The kernels of what Java does on the CPU: decoding weights and drawing dropout masks. */
public final class DeviceKernels {

  private DeviceKernels() {}

  /** Returns the scales of blocks whose scales are quantised. */
  public static NDArray nestedScales(
      NDManager owner,
      NDArray codes,
      NDArray absmax,
      NDArray map,
      double offset,
      int first,
      int blocks) {
    return call(owner, "nested_scales", codes, absmax, map, offset, first, blocks);
  }

  /** Returns rows of a weight in NF4, decoded. */
  public static NDArray nf4Rows(
      NDManager owner,
      NDArray packed,
      NDArray scales,
      NDArray levels,
      int skip,
      int rows,
      int columns,
      ComputeType type) {
    return call(owner, "nf4_rows", packed, scales, levels, skip, rows, columns, type.torchCode());
  }

  /** Returns a dropout mask of zeros and ones. */
  public static NDArray dropoutMask(
      NDManager owner,
      NDArray like,
      long seed,
      int rows,
      int columns,
      int threshold,
      ComputeType type) {
    return call(owner, "dropout_mask", like, seed, rows, columns, threshold, type.torchCode());
  }
}
