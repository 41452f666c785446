package org.edgefit.format.gguf;

import java.nio.ByteBuffer;
import org.edgefit.format.safetensors.HalfFloat;
import org.jspecify.annotations.Nullable;

/**
 * The types of GGUF tensors that can be read: ggml's block formats, little-endian. A block holds a
 * run of values along a row.
 */
public enum GgufType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  BF16(30, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210);

  private final int code;
  private final int blockValues;
  private final int blockBytes;

  GgufType(int code, int blockValues, int blockBytes) {
    this.code = code;
    this.blockValues = blockValues;
    this.blockBytes = blockBytes;
  }

  /** Returns ggml's number of the type. */
  public int code() {
    return code;
  }

  /** Returns the values in a block. */
  public int blockValues() {
    return blockValues;
  }

  /** Returns the bytes of so many values, which fill whole blocks. */
  public long bytes(long values) {
    return Math.multiplyExact(values / blockValues, blockBytes);
  }

  public static @Nullable GgufType of(int code) {
    for (GgufType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    return null;
  }

  /**
   * Decodes whole blocks, in float32 in the order of ggml's operations.
   *
   * @param in the blocks, from index {@code at} on
   * @param out receives {@code count} values from index 0 on
   */
  public void decode(ByteBuffer in, int at, float[] out, int count) {
    for (int first = 0; first < count; first += blockValues) {
      decodeBlock(in, at + first / blockValues * blockBytes, out, first);
    }
  }

  private void decodeBlock(ByteBuffer in, int at, float[] out, int first) {
    switch (this) {
      case F32 -> out[first] = in.getFloat(at);
      case F16 -> out[first] = half(in, at);
      case BF16 -> out[first] = Float.intBitsToFloat(in.getShort(at) << 16);
      case Q8_0 -> {
        float d = half(in, at);
        for (int i = 0; i < 32; i++) {
          out[first + i] = in.get(at + 2 + i) * d;
        }
      }
      case Q4_0 -> decodeSmall(in, at + 2, -1, half(in, at), 0, 8, out, first);
      case Q4_1 -> decodeSmall(in, at + 4, -1, half(in, at), half(in, at + 2), 0, out, first);
      case Q5_0 -> decodeSmall(in, at + 6, at + 2, half(in, at), 0, 16, out, first);
      case Q5_1 -> decodeSmall(in, at + 8, at + 4, half(in, at), half(in, at + 2), 0, out, first);
      case Q4_K -> decodeWithMinima(in, at, at + 16, -1, out, first);
      case Q5_K -> decodeWithMinima(in, at, at + 48, at + 16, out, first);
      case Q6_K -> decodeQ6K(in, at, out, first);
    }
  }

  private static float half(ByteBuffer in, int at) {
    return HalfFloat.toFloat(in.getShort(at));
  }

  /** Blocks of 32: low nibbles are the first half, high ones the second; a fifth bit may follow. */
  private static void decodeSmall(
      ByteBuffer in, int codes, int fifth, float d, float m, int zero, float[] out, int first) {
    int high = fifth < 0 ? 0 : in.getInt(fifth);
    for (int i = 0; i < 32; i++) {
      int nibble = (in.get(codes + (i & 15)) >> (i < 16 ? 0 : 4)) & 15;
      int code = nibble | ((high >>> i) & 1) << 4;
      out[first + i] = (code - zero) * d + m;
    }
  }

  /** Eight groups of 32 with 6-bit scales and minima, which share 12 bytes. */
  private static void decodeWithMinima(
      ByteBuffer in, int at, int codes, int fifth, float[] out, int first) {
    float d = half(in, at);
    float dMin = half(in, at + 2);
    int s = at + 4;
    for (int group = 0; group < 8; group++) {
      int scale;
      int minimum;
      if (group < 4) {
        scale = in.get(s + group) & 63;
        minimum = in.get(s + group + 4) & 63;
      } else {
        scale = (in.get(s + group + 4) & 15) | ((in.get(s + group - 4) & 0xff) >> 6) << 4;
        minimum = ((in.get(s + group + 4) & 0xff) >> 4) | ((in.get(s + group) & 0xff) >> 6) << 4;
      }
      float ds = d * scale;
      float dm = dMin * minimum;
      for (int i = 0; i < 32; i++) {
        int code = (in.get(codes + group / 2 * 32 + i) >> (4 * (group & 1))) & 15;
        if (fifth >= 0) {
          code |= ((in.get(fifth + i) >> group) & 1) << 4;
        }
        out[first + group * 32 + i] = ds * code - dm;
      }
    }
  }

  private static void decodeQ6K(ByteBuffer in, int at, float[] out, int first) {
    float d = half(in, at + 208);
    for (int k = 0; k < 256; k++) {
      int half = k / 128;
      int part = k % 128 / 32;
      int i = k % 32;
      int low = (in.get(at + half * 64 + (part & 1) * 32 + i) >> (part < 2 ? 0 : 4)) & 15;
      int high = (in.get(at + 128 + half * 32 + i) >> (2 * part)) & 3;
      float scale = d * in.get(at + 192 + k / 16);
      out[first + k] = scale * ((low | high << 4) - 32);
    }
  }
}
