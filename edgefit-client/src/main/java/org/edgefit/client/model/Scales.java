package org.edgefit.client.model;

import java.util.Arrays;

/** The scales of a tensor's NF4 blocks. */
sealed interface Scales {

  /** Returns the scale of a block. */
  float get(int block);

  /** Returns the bytes that the scales take. */
  long bytes();

  /**
   * Scales in float32.
   *
   * @param absmax one per block
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and not visible outside
  record Plain(float[] absmax) implements Scales {
    @Override
    public float get(int block) {
      return absmax[block];
    }

    @Override
    public long bytes() {
      return 4L * absmax.length;
    }
  }

  /**
   * Scales in 8 bits (Dettmers et al. 2023, section 3, "double quantization"): the scales, less
   * their mean, are quantised by the dynamic map in blocks of 256.
   *
   * @param codes one per NF4 block
   * @param absmax the scale of each 256 codes
   * @param map the values of the 256 codes
   * @param offset the mean that was taken off
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and not visible outside
  record Nested(byte[] codes, float[] absmax, float[] map, float offset) implements Scales {

    static final int BLOCK = 256;

    @Override
    public float get(int block) {
      return map[codes[block] & 0xff] * absmax[block / BLOCK] + offset;
    }

    @Override
    public long bytes() {
      return codes.length + 4L * absmax.length;
    }

    /** Quantises plain scales. */
    static Nested of(float[] plain) {
      double sum = 0;
      for (float value : plain) {
        sum += value;
      }
      float offset = (float) (sum / plain.length);
      byte[] codes = new byte[plain.length];
      float[] absmax = new float[(plain.length + BLOCK - 1) / BLOCK];
      float[] map = DynamicMap.SIGNED;
      for (int block = 0; block < absmax.length; block++) {
        int from = block * BLOCK;
        int to = Math.min(plain.length, from + BLOCK);
        float max = 0;
        for (int i = from; i < to; i++) {
          max = Math.max(max, Math.abs(plain[i] - offset));
        }
        absmax[block] = max;
        for (int i = from; i < to; i++) {
          codes[i] = (byte) nearest(map, max == 0 ? 0 : (plain[i] - offset) / max);
        }
      }
      return new Nested(codes, absmax, map.clone(), offset);
    }

    private static int nearest(float[] map, float x) {
      int index = Arrays.binarySearch(map, x);
      if (index >= 0) {
        return index;
      }
      int above = -index - 1;
      if (above == 0) {
        return 0;
      }
      if (above == map.length) {
        return map.length - 1;
      }
      return x - map[above - 1] <= map[above] - x ? above - 1 : above;
    }
  }
}
