package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.stream.IntStream;
import org.edgefit.client.engine.KernelProfile;

/**
 * NF4 weights, stacked by rows, dequantised on each use.
 *
 * @param weights the weights, all of the same inputs
 */
record Nf4Matrix(List<Nf4Weight> weights) implements FrozenMatrix {

  /** The values that one task decodes: enough to be worth a task. */
  private static final int VALUES_PER_TASK = 1 << 18;

  @Override
  public int outputs() {
    return weights.stream().mapToInt(Nf4Weight::outputs).sum();
  }

  @Override
  public int inputs() {
    return weights.get(0).inputs();
  }

  @Override
  public NDArray rows(Scratch scratch, int from, int to) {
    Scratch.Space space = scratch.space(to - from, inputs());
    long start = KernelProfile.begin();
    int first = 0;
    for (Nf4Weight weight : weights) {
      int begin = Math.max(from, first);
      int end = Math.min(to, first + weight.outputs());
      if (begin < end) {
        decode(weight, begin - first, end - first, space, begin - from);
      }
      first += weight.outputs();
    }
    KernelProfile.end("(decode NF4)", start);
    return space.array();
  }

  @Override
  public boolean hasColumns() {
    return true;
  }

  @Override
  public NDArray columns(Scratch scratch, int from, int to) {
    int width = to - from;
    Scratch.Space space = scratch.space(outputs(), width);
    long start = KernelProfile.begin();
    int rowsPerTask = Math.max(1, VALUES_PER_TASK / width);
    int first = 0;
    for (Nf4Weight weight : weights) {
      int at = first;
      int inputs = weight.inputs();
      IntStream.range(0, (weight.outputs() + rowsPerTask - 1) / rowsPerTask)
          .parallel()
          .forEach(
              task -> {
                int end = Math.min(weight.outputs(), (task + 1) * rowsPerTask);
                for (int row = task * rowsPerTask; row < end; row++) {
                  space.decode(weight, row * inputs + from, row * inputs + to, (at + row) * width);
                }
              });
      first += weight.outputs();
    }
    KernelProfile.end("(decode NF4)", start);
    return space.array();
  }

  /** Decodes rows of one weight; tasks share the work among the common pool's threads. */
  private static void decode(Nf4Weight weight, int from, int to, Scratch.Space space, int atRow) {
    int start = from * weight.inputs();
    int end = to * weight.inputs();
    int shift = atRow * weight.inputs() - start;
    int tasks = Math.max(1, (end - start) / VALUES_PER_TASK);
    // Tasks begin where blocks do, but for the first.
    int step = ((end - start) / tasks + Nf4.BLOCK) / Nf4.BLOCK * Nf4.BLOCK;
    int firstEnd = (start / Nf4.BLOCK) * Nf4.BLOCK + step;
    IntStream.range(0, tasks + 1)
        .parallel()
        .forEach(
            task -> {
              int begin = task == 0 ? start : firstEnd + (task - 1) * step;
              int stop = Math.min(end, firstEnd + task * step);
              if (begin < stop) {
                space.decode(weight, begin, stop, begin + shift);
              }
            });
  }

  @Override
  public long bytes() {
    return weights.stream().mapToLong(Nf4Weight::bytes).sum();
  }
}
