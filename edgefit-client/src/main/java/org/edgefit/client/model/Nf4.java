package org.edgefit.client.model;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * 4-bit NormalFloat (Dettmers et al. 2023, section 3): a value is one of 16 levels times the
 * largest magnitude of its block of 64. Two codes lie in a byte, the first in the high half. Bytes
 * and scales are those of bitsandbytes.
 */
public final class Nf4 {

  /** The values in a block. */
  public static final int BLOCK = 64;

  /** The 16 levels, by code. */
  static final float[] LEVELS = {
    -1.0f,
    -0.6961928f,
    -0.52507305f,
    -0.3949175f,
    -0.28444138f,
    -0.18477343f,
    -0.091050036f,
    0.0f,
    0.0795803f,
    0.1609302f,
    0.2461123f,
    0.33791524f,
    0.44070983f,
    0.562617f,
    0.72295684f,
    1.0f
  };

  /** The code of 0. */
  private static final int ZERO_CODE = 7;

  /** Half way between neighbouring levels; a value there takes the lower code. */
  private static final float[] MIDPOINTS = new float[LEVELS.length - 1];

  static {
    for (int i = 0; i < MIDPOINTS.length; i++) {
      MIDPOINTS[i] = (float) (((double) LEVELS[i] + LEVELS[i + 1]) / 2);
    }
  }

  private Nf4() {}

  /** Returns the number of blocks of {@code n} values. */
  static int blocks(int n) {
    return (n + BLOCK - 1) / BLOCK;
  }

  /**
   * Quantises values.
   *
   * @param values (n)
   * @param packed receives (ceil(n / 2)) bytes; after an odd end stands a zero
   * @param absmax receives the scale of each block, (ceil(n / 64))
   */
  static void encode(FloatBuffer values, byte[] packed, float[] absmax) {
    int n = values.remaining();
    int start = values.position();
    for (int block = 0; block < absmax.length; block++) {
      int from = block * BLOCK;
      int to = Math.min(n, from + BLOCK);
      float max = 0;
      for (int i = from; i < to; i++) {
        max = Math.max(max, Math.abs(values.get(start + i)));
      }
      absmax[block] = max;
      for (int i = from; i < to; i += 2) {
        int high = code(values.get(start + i), max);
        int low = i + 1 < to ? code(values.get(start + i + 1), max) : ZERO_CODE;
        packed[i >> 1] = (byte) (high << 4 | low);
      }
    }
  }

  private static int code(float value, float absmax) {
    if (absmax == 0) {
      return ZERO_CODE;
    }
    float x = value / absmax;
    int code = x > MIDPOINTS[7] ? 8 : 0; // binary search for the number of midpoints below x
    code += x > MIDPOINTS[code + 3] ? 4 : 0;
    code += x > MIDPOINTS[code + 1] ? 2 : 0;
    code += x > MIDPOINTS[code] ? 1 : 0;
    return code;
  }

  /**
   * Decodes whole blocks.
   *
   * @param packed two codes to a byte, from its position 0
   * @param absmax the scale of each block
   * @param out receives the values at their own indices
   * @param fromBlock the first block
   * @param toBlock the block after the last
   * @param n the number of values in all blocks, which the last block may not fill
   */
  static void decode(
      ByteBuffer packed, Scales absmax, FloatBuffer out, int fromBlock, int toBlock, int n) {
    float[] table = new float[LEVELS.length];
    for (int block = fromBlock; block < toBlock; block++) {
      float scale = absmax.get(block);
      for (int code = 0; code < table.length; code++) {
        table[code] = LEVELS[code] * scale;
      }
      int to = Math.min(n, (block + 1) * BLOCK);
      for (int i = block * BLOCK; i < to; i += 2) {
        int codes = packed.get(i >> 1);
        out.put(i, table[(codes >> 4) & 15]);
        if (i + 1 < to) {
          out.put(i + 1, table[codes & 15]);
        }
      }
    }
  }
}
