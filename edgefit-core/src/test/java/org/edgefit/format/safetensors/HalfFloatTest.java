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
}
