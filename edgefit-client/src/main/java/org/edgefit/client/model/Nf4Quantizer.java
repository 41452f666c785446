package org.edgefit.client.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;

/** Quantises whole weights, a part at a time, in memory that it keeps for the next one. */
final class Nf4Quantizer {

  /** The values that are read at a time; whole blocks. */
  private static final int VALUES_PER_PART = 1 << 21;

  private static final int VALUES_PER_TASK = 1 << 18;

  /** Reads values of a weight. */
  @FunctionalInterface
  interface Source {
    /** Fills {@code out} with the values from {@code first} on. */
    void read(long first, FloatBuffer out) throws IOException;
  }

  private FloatBuffer memory = FloatBuffer.allocate(0);

  /**
   * Returns a weight in NF4. The memory that this takes is that of the result and of one part.
   *
   * @param source the values, (outputs, inputs) in float32
   * @param doubleQuantized whether the scales are quantised too
   */
  Nf4Weight quantize(Source source, int outputs, int inputs, boolean doubleQuantized)
      throws IOException {
    int n = Math.multiplyExact(outputs, inputs);
    ByteBuffer packed = ByteBuffer.allocateDirect((n + 1) / 2);
    float[] absmax = new float[Nf4.blocks(n)];
    if (memory.capacity() < Math.min(n, VALUES_PER_PART)) {
      memory = FloatBuffer.allocate(Math.min(n, VALUES_PER_PART));
    }
    FloatBuffer part = memory;
    for (int from = 0; from < n; from += part.capacity()) {
      part.clear().limit(Math.min(part.capacity(), n - from));
      source.read(from, part);
      part.flip();
      int first = from;
      IntStream.range(0, (part.limit() + VALUES_PER_TASK - 1) / VALUES_PER_TASK)
          .parallel()
          .forEach(
              task -> {
                int begin = task * VALUES_PER_TASK;
                int end = Math.min(part.limit(), begin + VALUES_PER_TASK);
                Nf4.encode(part, begin, end, packed, first + begin, absmax);
              });
    }
    Scales scales = doubleQuantized ? Scales.Nested.of(absmax) : new Scales.Plain(absmax);
    return new Nf4Weight(packed, scales, outputs, inputs);
  }
}
