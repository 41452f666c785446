package org.edgefit.client.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.edgefit.format.safetensors.HalfFloat;

/**
 * 4-bit NormalFloat (Dettmers et al. 2023, section 3): a value is one of 16 levels times the
 * largest magnitude of its block of 64. A byte has two codes, the first in the high nibble. Bytes
 * and scales equal bitsandbytes'.
 */
final class Nf4 {

  /** The values in a block. */
  static final int BLOCK = 64;

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

  /** The level of the first code of a byte, and of the second. */
  private static final float[] HIGH_LEVELS = new float[256];

  private static final float[] LOW_LEVELS = new float[256];

  static {
    for (int codes = 0; codes < 256; codes++) {
      HIGH_LEVELS[codes] = LEVELS[codes >> 4];
      LOW_LEVELS[codes] = LEVELS[codes & 15];
    }
  }

  /** The values that are decoded in arrays before they are copied out: they stay in the cache. */
  private static final int STAGED = 32 * BLOCK;

  private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  private Nf4() {}

  /** Returns the number of blocks of {@code n} values. */
  static int blocks(int n) {
    return (n + BLOCK - 1) / BLOCK;
  }

  /**
   * Quantises values, in whole blocks but for the end of the tensor.
   *
   * @param values the values
   * @param from the first of them
   * @param to the one after the last
   * @param packed receives two codes to a byte; after an odd end stands a zero
   * @param at the place of the first value in its tensor, where a block begins
   * @param absmax receives the scales
   */
  static void encode(
      FloatBuffer values, int from, int to, ByteBuffer packed, int at, float[] absmax) {
    for (int start = from; start < to; start += BLOCK) {
      int end = Math.min(to, start + BLOCK);
      float max = 0;
      for (int i = start; i < end; i++) {
        max = Math.max(max, Math.abs(values.get(i)));
      }
      int place = at + start - from;
      absmax[place / BLOCK] = max;
      for (int i = start; i < end; i += 2) {
        int high = code(values.get(i), max);
        int low = i + 1 < end ? code(values.get(i + 1), max) : ZERO_CODE;
        packed.put((place + i - start) >> 1, (byte) (high << 4 | low));
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
   * Decodes values to float32.
   *
   * @param packed two codes to a byte, from its position 0
   * @param absmax the scale of each block
   * @param from the first value
   * @param to the value after the last
   * @param out receives the values
   * @param at the place of the first value in {@code out}
   */
  static void decode(ByteBuffer packed, Scales absmax, int from, int to, FloatBuffer out, int at) {
    float[] table = new float[LEVELS.length];
    int shift = at - from;
    for (int i = from; i < to; ) {
      int block = i / BLOCK;
      float scale = absmax.get(block);
      for (int code = 0; code < table.length; code++) {
        table[code] = LEVELS[code] * scale;
      }
      int end = Math.min(to, (block + 1) * BLOCK);
      if ((i & 1) == 1) {
        out.put(i + shift, table[packed.get(i >> 1) & 15]);
        i++;
      }
      for (; i + 1 < end; i += 2) {
        int codes = packed.get(i >> 1);
        out.put(i + shift, table[(codes >> 4) & 15]);
        out.put(i + 1 + shift, table[codes & 15]);
      }
      if (i < end) {
        out.put(i + shift, table[(packed.get(i >> 1) >> 4) & 15]);
        i++;
      }
    }
  }

  /**
   * Decodes values to float32 in native memory; otherwise as {@code decode}, but faster: whole
   * blocks pass through arrays, in whose loops the compiler needs no checks and scales several
   * values at once.
   *
   * @param out receives the values, in native order
   */
  static void decodeFloats(
      ByteBuffer packed, Scales absmax, int from, int to, ByteBuffer out, int at) {
    FloatBuffer floats = out.asFloatBuffer();
    int firstBlock = Math.min(to, blocks(from) * BLOCK);
    int lastBlock = Math.max(firstBlock, to / BLOCK * BLOCK);
    decode(packed, absmax, from, firstBlock, floats, at);
    byte[] codes = new byte[Math.min(STAGED, lastBlock - firstBlock) / 2];
    float[] values = new float[2 * codes.length];
    for (int start = firstBlock; start < lastBlock; start += values.length) {
      int count = Math.min(values.length, lastBlock - start);
      packed.get(start >> 1, codes, 0, count / 2);
      for (int i = 0; i < count; i += BLOCK) {
        float scale = absmax.get((start + i) / BLOCK);
        for (int pair = i / 2; pair < (i + BLOCK) / 2; pair++) {
          int code = codes[pair] & 0xff;
          values[2 * pair] = HIGH_LEVELS[code];
          values[2 * pair + 1] = LOW_LEVELS[code];
        }
        for (int j = i; j < i + BLOCK; j++) {
          values[j] *= scale;
        }
      }
      floats.put(at + start - from, values, 0, count);
    }
    decode(packed, absmax, lastBlock, to, floats, at + lastBlock - from);
  }

  /**
   * Decodes values to bfloat16, rounded to nearest even; otherwise as {@code decode}.
   *
   * @param out receives the values, in native order
   */
  static void decodeHalves(
      ByteBuffer packed, Scales absmax, int from, int to, ByteBuffer out, int at) {
    short[] table = new short[LEVELS.length];
    int shift = at - from;
    for (int i = from; i < to; ) {
      int block = i / BLOCK;
      float scale = absmax.get(block);
      for (int code = 0; code < table.length; code++) {
        table[code] = HalfFloat.toBfloat16(LEVELS[code] * scale);
      }
      int end = Math.min(to, (block + 1) * BLOCK);
      if (LITTLE_ENDIAN) {
        for (; (i & 1) == 0 && i + 3 < end; i += 4) { // one store for four values
          int first = packed.get(i >> 1);
          int second = packed.get((i >> 1) + 1);
          long four =
              (table[(first >> 4) & 15] & 0xffffL)
                  | (table[first & 15] & 0xffffL) << 16
                  | (table[(second >> 4) & 15] & 0xffffL) << 32
                  | (long) table[second & 15] << 48;
          out.putLong((i + shift) << 1, four);
        }
      }
      for (; i < end; i++) {
        int codes = packed.get(i >> 1);
        out.putShort((i + shift) << 1, table[((i & 1) == 0 ? codes >> 4 : codes) & 15]);
      }
    }
  }
}
