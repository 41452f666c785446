package org.edgefit.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfFloatTest {

  @Test
  void halvesRoundToNearestEven() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = HalfFloat.toFloat((short) bits);
      float next = HalfFloat.toFloat((short) (bits + 1));
      assertThat(HalfFloat.fromFloat(value)).isEqualTo((short) bits);
      if (bits < 0x7bff) {
        short even = (short) ((bits & 1) == 0 ? bits : bits + 1);
        assertThat(HalfFloat.fromFloat((value + next) / 2)).isEqualTo(even);
        assertThat(HalfFloat.fromFloat(-Math.nextUp((value + next) / 2)))
            .isEqualTo((short) ((bits + 1) | 0x8000));
      }
    }
    assertThat(HalfFloat.fromFloat(1e6f)).isEqualTo((short) 0x7c00);
  }

  /** bfloat16 is the upper half of a float32: between two of them, the even one is nearest. */
  @Test
  void bfloatsRoundToNearestEven() {
    for (int upper = 0; upper < 0x7f7f; upper += 7) {
      float value = Float.intBitsToFloat(upper << 16);
      float half = Float.intBitsToFloat(upper << 16 | 0x8000);
      int even = (upper & 1) == 0 ? upper : upper + 1;
      assertThat(HalfFloat.toBfloat16(value)).isEqualTo((short) upper);
      assertThat(HalfFloat.toBfloat16(-value)).isEqualTo((short) (upper | 0x8000));
      assertThat(HalfFloat.toBfloat16(half)).isEqualTo((short) even);
      assertThat(HalfFloat.toBfloat16(Math.nextUp(half))).isEqualTo((short) (upper + 1));
      if (half > Float.MIN_VALUE) {
        assertThat(HalfFloat.toBfloat16(Math.nextDown(half))).isEqualTo((short) upper);
      }
    }
  }

  @Test
  void halvesHaveTheirSignsInfinitiesAndNaNs() {
    assertThat(HalfFloat.toFloat((short) 0x3c00)).isEqualTo(1);
    assertThat(HalfFloat.toFloat((short) 0xbc00)).isEqualTo(-1);
    assertThat(HalfFloat.toFloat((short) 0x8000)).isEqualTo(-0f);
    assertThat(HalfFloat.toFloat((short) 0x8001)).isEqualTo(-0x1p-24f);
    assertThat(HalfFloat.toFloat((short) 0x7bff)).isEqualTo(65504);
    assertThat(HalfFloat.toFloat((short) 0x7c00)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloat.toFloat((short) 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(HalfFloat.toFloat((short) 0x7e00)).isNaN();
    assertThat(HalfFloat.fromFloat(65519)).isEqualTo((short) 0x7bff);
    assertThat(HalfFloat.fromFloat(65520)).isEqualTo((short) 0x7c00);
    assertThat(HalfFloat.fromFloat(-65520)).isEqualTo((short) 0xfc00);
  }
}
