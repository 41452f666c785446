package org.edgefit.client.model;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * A weight in NF4.
 *
 * @param packed two codes to a byte, row by row
 * @param scales the scales of the blocks, which run on over the ends of rows
 * @param outputs the number of rows
 * @param inputs the number of columns
 */
record Nf4Weight(ByteBuffer packed, Scales scales, int outputs, int inputs) {

  /** Returns all values. */
  float[] decode() {
    float[] values = new float[outputs * inputs];
    Nf4.decode(packed, scales, 0, values.length, FloatBuffer.wrap(values), 0);
    return values;
  }

  /** Returns the bytes that the weight takes. */
  long bytes() {
    return packed.capacity() + scales.bytes();
  }
}
