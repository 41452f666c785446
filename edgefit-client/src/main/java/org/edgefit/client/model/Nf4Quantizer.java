package org.edgefit.client.model;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Quantises whole weights. */
final class Nf4Quantizer {

  private Nf4Quantizer() {}

  /**
   * Returns a weight in NF4.
   *
   * @param values (outputs, inputs) in float32, from the buffer's position
   * @param doubleQuantized whether the scales are quantised too
   */
  static Nf4Matrix quantize(FloatBuffer values, int outputs, int inputs, boolean doubleQuantized) {
    int n = Math.multiplyExact(outputs, inputs);
    byte[] packed = new byte[(n + 1) / 2];
    float[] absmax = new float[Nf4.blocks(n)];
    Nf4.encode(values, packed, absmax);
    ByteBuffer memory = ByteBuffer.allocateDirect(packed.length).put(packed).flip();
    Scales scales = doubleQuantized ? Scales.Nested.of(absmax) : new Scales.Plain(absmax);
    return new Nf4Matrix(memory, scales, outputs, inputs);
  }
}
