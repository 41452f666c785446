package org.edgefit.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceProfileTest {

  private final Locale before = Locale.getDefault();

  @AfterEach
  void setBack() {
    Locale.setDefault(before);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "a10,              24000000000, 40e12,   125000000, 125000000, 0.005, 0",
    "jetson-orin-nano,  7000000000, 3.3e12,   12500000,   5000000, 0.02,  0.1",
    "raspberry-pi-5,    7000000000, 0.05e12,   6250000,   1250000, 0.03,  0.2"
  })
  void namedDevicesHaveTheseRates(
      String name,
      long memory,
      double flops,
      double down,
      double up,
      double latency,
      double spread) {
    assertThat(DeviceProfile.named(name))
        .isEqualTo(new DeviceProfile(name, memory, flops, down, up, latency, 0, spread));
  }

  @Test
  void nameIsFoundInAnyLetterCaseAndLanguage() {
    DeviceProfile pi = DeviceProfile.named("raspberry-pi-5");
    Locale.setDefault(Locale.forLanguageTag("tr-TR")); // whose I is not i's capital
    assertThat(DeviceProfile.named("RASPBERRY-PI-5")).isEqualTo(pi);
  }

  @ParameterizedTest(name = "{0} of {1}")
  @CsvSource({
    "memory,          0, memory: 0.0 (expected: > 0)",
    "memory,         -5, memory: -5.0 (expected: > 0)",
    "flops,           0, flops: 0.0 (expected: > 0)",
    "flops,    Infinity, flops: Infinity (expected: > 0)",
    "down,          NaN, down: NaN (expected: > 0)",
    "down,            0, down: 0.0 (expected: > 0)",
    "up,             -1, up: -1.0 (expected: > 0)",
    "up,       Infinity, up: Infinity (expected: > 0)",
    "latency,     -0.01, latency: -0.01 (expected: >= 0)",
    "latency,  Infinity, latency: Infinity (expected: >= 0)",
    "dropout,      -0.1, dropout: -0.1 (expected: 0 to 1)",
    "dropout,       NaN, dropout: NaN (expected: 0 to 1)",
    "spread,        -1, spread: -1.0 (expected: >= 0)",
    "spread,        NaN, spread: NaN (expected: >= 0)",
  })
  void valueOutOfItsRangeIsRefusedByItsName(String what, double value, String message) {
    assertThatThrownBy(
            () ->
                new DeviceProfile(
                    "d",
                    what.equals("memory") ? (long) value : 1,
                    what.equals("flops") ? value : 1,
                    what.equals("down") ? value : 1,
                    what.equals("up") ? value : 1,
                    what.equals("latency") ? value : 0,
                    what.equals("dropout") ? value : 0,
                    what.equals("spread") ? value : 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void deviceThatNeverOrAlwaysLeavesIsADevice() {
    for (double dropout : new double[] {0, 1}) {
      assertThat(new DeviceProfile("d", 1, 1, 1, 1, 0, dropout, 0).dropout()).isEqualTo(dropout);
    }
  }

  @Test
  void transferTakesTheLatencyTwiceAndTheBytesBothWays() {
    DeviceProfile device = new DeviceProfile("d", 1, 1, 1000, 250, 0.25, 0, 3);
    assertThat(device.transferSeconds(0)).isEqualTo(0.5);
    assertThat(device.transferSeconds(2000)).isEqualTo(0.5 + 2 + 8);
    assertThat(DeviceProfile.named("raspberry-pi-5").transferSeconds(1_250_000))
        .isCloseTo(0.06 + 0.2 + 1, within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({
    "-1,  5,  7, 'work: -1, 5.0, 7 (expected: >= 0)'",
    " 1, -5,  7, 'work: 1, -5.0, 7 (expected: >= 0)'",
    " 1, NaN, 7, 'work: 1, NaN, 7 (expected: >= 0)'",
    " 1,  5, -7, 'work: 1, 5.0, -7 (expected: >= 0)'"
  })
  void workBelowNothingIsRefused(long down, double flops, long up, String message) {
    DeviceProfile device = DeviceProfile.named("a10");
    assertThatThrownBy(() -> new ClientWork(device, down, flops, up))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThat(new ClientWork(device, 0, 0, 0).flops()).isZero();
  }

  @Test
  void tokenCostsTwoProductsForwardAndBackwardAndOneMoreWhereActivationsAreNotKept() {
    // 2 operations per weight and product: forward, backward; and forward again.
    assertThat(ClientWork.flopsPerToken(1_000_000, false)).isEqualTo(4e6);
    assertThat(ClientWork.flopsPerToken(1_000_000, true)).isEqualTo(6e6);
  }
}
