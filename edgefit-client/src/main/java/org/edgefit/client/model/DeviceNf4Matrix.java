package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.util.List;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.DeviceKernels;
import org.edgefit.client.engine.Kernels;
import org.jspecify.annotations.Nullable;

/**
 * NF4 weights, stacked by rows, stored on a device and dequantised there on each use. The values
 * equal those of {@link Nf4Matrix} bit for bit.
 *
 * @param weights the weights, all of the same inputs
 * @param levels the 16 levels, by code
 */
record DeviceNf4Matrix(List<Weight> weights, NDArray levels) implements FrozenMatrix {

  /**
   * A weight's arrays.
   *
   * @param packed two codes to a byte, (blocks, 32), filled up to whole blocks
   * @param scales the scales of the blocks, (blocks): float32, or 8-bit codes where they are nested
   * @param nested what the scales' codes stand for; null where there are none
   * @param outputs the number of rows
   * @param inputs the number of columns
   */
  record Weight(
      NDArray packed, NDArray scales, @Nullable NestedScales nested, int outputs, int inputs) {

    static Weight of(NDManager manager, Nf4Weight weight) {
      int blocks = Nf4.blocks(Math.multiplyExact(weight.outputs(), weight.inputs()));
      ByteBuffer packed = ByteBuffer.allocateDirect(blocks * Nf4.BLOCK / 2);
      packed.put(weight.packed().duplicate().clear()).clear();
      NDArray codes = manager.create(packed, new Shape(blocks, Nf4.BLOCK / 2), DataType.INT8);
      if (weight.scales() instanceof Scales.Nested scales) {
        NDArray scaleCodes =
            manager.create(ByteBuffer.wrap(scales.codes()), new Shape(blocks), DataType.INT8);
        NestedScales nested =
            new NestedScales(
                manager.create(scales.absmax()), manager.create(scales.map()), scales.offset());
        return new Weight(codes, scaleCodes, nested, weight.outputs(), weight.inputs());
      }
      float[] absmax = ((Scales.Plain) weight.scales()).absmax();
      return new Weight(codes, manager.create(absmax), null, weight.outputs(), weight.inputs());
    }

    /** Decodes rows {@code from} to {@code to}, (to - from, inputs). */
    NDArray rows(NDManager manager, NDArray levels, int from, int to, ComputeType type) {
      int start = from * inputs;
      int first = start / Nf4.BLOCK;
      int blocks = Nf4.blocks(to * inputs) - first;
      try (NDManager part = packed.getManager().newSubManager()) {
        NDArray scale =
            nested == null
                ? Kernels.sliceRows(part, scales, first, blocks)
                : DeviceKernels.nestedScales(
                    part, scales, nested.absmax(), nested.map(), nested.offset(), first, blocks);
        return DeviceKernels.nf4Rows(
            manager,
            Kernels.sliceRows(part, packed, first, blocks),
            scale,
            levels,
            start - first * Nf4.BLOCK,
            to - from,
            inputs,
            type);
      }
    }

    long bytes() {
      long scaleBytes =
          nested == null
              ? scales.size() * Float.BYTES
              : scales.size() + nested.absmax().size() * Float.BYTES;
      return packed.size() + scaleBytes;
    }
  }

  /**
   * What 8-bit codes of scales stand for, see {@link Scales.Nested}.
   *
   * @param absmax the scale of each 256 codes
   * @param map the values of the 256 codes
   * @param offset what is added
   */
  record NestedScales(NDArray absmax, NDArray map, double offset) {}

  /** Copies weights to a manager's device. */
  static DeviceNf4Matrix of(NDManager manager, List<Nf4Weight> weights) {
    return new DeviceNf4Matrix(
        weights.stream().map(weight -> Weight.of(manager, weight)).toList(),
        manager.create(Nf4.LEVELS));
  }

  @Override
  public int outputs() {
    return weights.stream().mapToInt(Weight::outputs).sum();
  }

  @Override
  public int inputs() {
    return weights.get(0).inputs();
  }

  @Override
  public NDArray rows(Scratch scratch, int from, int to) {
    NDManager manager = levels.getManager();
    if (weights.size() == 1) {
      return scratch.keep(weights.get(0).rows(manager, levels, from, to, scratch.type()));
    }
    NDArray all = scratch.array(levels, to - from, inputs());
    int first = 0;
    for (Weight weight : weights) {
      int begin = Math.max(from, first);
      int end = Math.min(to, first + weight.outputs());
      if (begin < end) {
        try (NDArray rows =
            weight.rows(manager, levels, begin - first, end - first, scratch.type())) {
          Kernels.setRows(all, rows, begin - from);
        }
      }
      first += weight.outputs();
    }
    return all;
  }

  @Override
  public long bytes() {
    return weights.stream().mapToLong(Weight::bytes).sum();
  }
}
