package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;

/**
 * A weight in NF4, decoded each time that it is used.
 *
 * @param packed two codes to a byte, row by row
 * @param scales the scales of the blocks, which run on over the ends of rows
 * @param outputs the number of rows
 * @param inputs the number of columns
 */
record Nf4Matrix(ByteBuffer packed, Scales scales, int outputs, int inputs)
    implements FrozenMatrix {

  /** The blocks that one task decodes: enough to be worth a task. */
  private static final int BLOCKS_PER_TASK = 1 << 12;

  @Override
  public NDArray values(DecodeScratch scratch) {
    DecodeScratch.Space space = scratch.space(outputs, inputs);
    decode(space.floats());
    return space.array();
  }

  /** Decodes all values; tasks share the work among the common pool's threads. */
  void decode(FloatBuffer out) {
    int n = outputs * inputs;
    int blocks = Nf4.blocks(n);
    int tasks = (blocks + BLOCKS_PER_TASK - 1) / BLOCKS_PER_TASK;
    IntStream.range(0, tasks)
        .parallel()
        .forEach(
            task ->
                Nf4.decode(
                    packed,
                    scales,
                    out,
                    task * BLOCKS_PER_TASK,
                    Math.min(blocks, (task + 1) * BLOCKS_PER_TASK),
                    n));
  }

  @Override
  public long bytes() {
    return packed.capacity() + scales.bytes();
  }
}
