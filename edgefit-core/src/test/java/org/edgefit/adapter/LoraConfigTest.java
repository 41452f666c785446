package org.edgefit.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoraConfigTest {

  private static final LoraConfig CONFIG = new LoraConfig(4, 8, 0.1, List.of("v_proj", "q_proj"));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 8 | 0 | rank: 0 (expected: 1 to 4096)",
        "4097 | 8 | 0 | rank: 4097 (expected: 1 to 4096)",
        "-1 | 8 | 0 | rank: -1 (expected: 1 to 4096)",
        "4 | 0 | 0 | alpha: 0.0 (expected: > 0)",
        "4 | -2 | 0 | alpha: -2.0 (expected: > 0)",
        "4 | NaN | 0 | alpha: NaN (expected: > 0)",
        "4 | Infinity | 0 | alpha: Infinity (expected: > 0)",
        "4 | 8 | 1 | dropout: 1.0 (expected: in [0, 1))",
        "4 | 8 | -0.1 | dropout: -0.1 (expected: in [0, 1))",
        "4 | 8 | NaN | dropout: NaN (expected: in [0, 1))",
      })
  void valueOutOfRangeIsRefusedByName(int rank, double alpha, double dropout, String message) {
    assertThatThrownBy(() -> new LoraConfig(rank, alpha, dropout, List.of("q_proj")))
        .hasMessage(message);
  }

  @Test
  void endsOfTheRangesAreTaken() {
    assertThat(new LoraConfig(1, Double.MIN_VALUE, 0, List.of("q")).rank()).isEqualTo(1);
    assertThat(new LoraConfig(4096, 1e300, Math.nextDown(1.0), List.of("q")).rank())
        .isEqualTo(4096);
  }

  @Test
  void configWithoutTargetsIsRefused() {
    assertThatThrownBy(() -> CONFIG.withTargets(List.of()))
        .hasMessage("targets: none (expected: at least one linear layer)");
  }

  @Test
  void targetsAreSortedAndUnique() {
    assertThat(CONFIG.withTargets(List.of("b", "a", "b")).targets()).containsExactly("a", "b");
    assertThat(CONFIG.targets()).containsExactly("q_proj", "v_proj");
  }

  @Test
  void scaleIsAlphaByRankOrByItsRoot() {
    assertThat(CONFIG.scaling()).isEqualTo(2);
    assertThat(CONFIG.withRankStabilized(true).scaling()).isEqualTo(4);
    assertThat(LoraConfig.attention(16).scaling()).isEqualTo(2);
  }

  /** Truncated or padded factors must give the same product, so the scale has to stay. */
  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "16, false", "1, true", "9, true", "16, true"})
  void anotherRankKeepsTheScale(int rank, boolean isStabilised) {
    LoraConfig config = CONFIG.withRankStabilized(isStabilised);
    LoraConfig other = config.withRank(rank);
    assertThat(other.rank()).isEqualTo(rank);
    assertThat(other.scaling()).isCloseTo(config.scaling(), within(1e-15));
    assertThat(other.rankStabilized()).isEqualTo(isStabilised);
    assertThat(other.targets()).isEqualTo(config.targets());
    assertThat(other.dropout()).isEqualTo(0.1);
  }

  @Test
  void eachChangeLeavesTheRest() {
    LoraConfig stabilised = CONFIG.withRankStabilized(true);
    assertThat(stabilised.withAlpha(3))
        .isEqualTo(new LoraConfig(4, 3, 0.1, List.of("q_proj", "v_proj"), true));
    assertThat(stabilised.withDropout(0.2))
        .isEqualTo(new LoraConfig(4, 8, 0.2, List.of("q_proj", "v_proj"), true));
    assertThat(stabilised.withTargets(List.of("o_proj")))
        .isEqualTo(new LoraConfig(4, 8, 0.1, List.of("o_proj"), true));
    assertThat(stabilised.withRankStabilized(false)).isEqualTo(CONFIG);
  }

  @Test
  void groupsBecomeTheNamesOfAModelsLayers() {
    List<LinearSpec> layers =
        List.of(
            new LinearSpec("model.layers.0.self_attn.qkv_proj", 8, 24),
            new LinearSpec("model.layers.0.self_attn.o_proj", 8, 8),
            new LinearSpec("model.layers.0.mlp.down_proj", 16, 8));
    assertThat(LoraConfig.attention(2).resolvedFor(layers).targets())
        .containsExactly("o_proj", "qkv_proj");
    assertThat(CONFIG.withTargets(List.of("all-linear")).resolvedFor(layers).targets())
        .containsExactly("down_proj", "o_proj", "qkv_proj");
    assertThat(CONFIG.withTargets(List.of("attention", "down_proj")).resolvedFor(layers).targets())
        .containsExactly("down_proj", "o_proj", "qkv_proj");
    assertThat(CONFIG.resolvedFor(layers)).isSameAs(CONFIG);
  }

  @Test
  void layerIsAdaptedIfATargetNamesIt() {
    assertThat(CONFIG.adapts(new LinearSpec("model.layers.3.self_attn.v_proj", 1, 1))).isTrue();
    assertThat(CONFIG.adapts(new LinearSpec("model.layers.3.self_attn.k_proj", 1, 1))).isFalse();
    assertThat(CONFIG.adapts(new LinearSpec("model.layers.3.self_attn.conv_proj", 1, 1))).isFalse();
  }
}
