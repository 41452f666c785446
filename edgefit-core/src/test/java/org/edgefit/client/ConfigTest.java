package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.file.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTest {

  @Test
  void valuesAreReadByTheirType() {
    Config config =
        Config.none().with("mu", 0.1).with("steps", 3).with("name", "x").with("on", true);
    assertThat(config.number("mu")).isEqualTo(0.1);
    assertThat(config.integer("steps")).isEqualTo(3);
    assertThat(config.number("steps")).isEqualTo(3);
    assertThat(config.text("name")).isEqualTo("x");
    assertThat(config.flag("on")).isTrue();
    assertThat(config.has("mu")).isTrue();
    assertThat(config.has("nu")).isFalse();
    assertThat(config.values()).containsOnlyKeys("mu", "name", "on", "steps");
    assertThat(Config.none().values()).isEmpty();
  }

  @Test
  void valueOfAnotherTypeIsRefusedByName() {
    Config config = Config.none().with("mu", 0.5).with("name", "x").with("on", true);
    assertThatThrownBy(() -> config.integer("mu")).hasMessageStartingWith("config: mu: 0.5");
    assertThatThrownBy(() -> config.number("name")).hasMessageStartingWith("config: name: x");
    assertThatThrownBy(() -> config.flag("name")).hasMessageStartingWith("config: name: x");
    assertThatThrownBy(() -> config.text("on")).hasMessageStartingWith("config: on: true");
    assertThatThrownBy(() -> config.text("nothing")).hasMessageStartingWith("config: nothing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a/b", "ä", "a\n"})
  void nameIsOfPlainCharacters(String name) {
    assertThatThrownBy(() -> Config.none().with(name, 1))
        .hasMessage(
            "config: \"" + ClientText.shown(name) + "\" (expected: 1 to 64 of A-Z a-z 0-9 _ . -)");
    assertThatThrownBy(() -> Config.none().with("a".repeat(65), 1))
        .hasMessageEndingWith("(expected: 1 to 64 of A-Z a-z 0-9 _ . -)");
    assertThat(Config.none().with("a".repeat(64), 1).values()).hasSize(1);
  }

  @Test
  void valueThatCannotTravelIsRefused() {
    Config none = Config.none();
    assertThatThrownBy(() -> none.with("x", Double.NaN))
        .hasMessage("config: x: NaN (expected: a String, Long, Boolean or finite Double)");
    assertThatThrownBy(() -> none.with("x", Double.POSITIVE_INFINITY))
        .hasMessage("config: x: Infinity (expected: a String, Long, Boolean or finite Double)");
    assertThatThrownBy(() -> none.with("x", List.of()))
        .hasMessageStartingWith("config: x: java.util.")
        .hasMessageEndingWith("(expected: a String, Long, Boolean or finite Double)");
    assertThatThrownBy(() -> none.with("x", 1.5f))
        .hasMessage(
            "config: x: java.lang.Float (expected: a String, Long, Boolean or finite Double)");
    assertThatThrownBy(() -> none.with("x", "a".repeat(4097)))
        .hasMessage("config: x: 4097 characters (expected: at most 4096)");
    assertThat(none.with("x", "a".repeat(4096)).text("x")).hasSize(4096);
  }

  @Test
  void soManyValuesAreTakenAndNoMore() {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < 256; i++) {
      values.put("v" + i, i);
    }
    assertThat(new Config(values).values()).hasSize(256);
    values.put("one-more", 1);
    assertThatThrownBy(() -> new Config(values))
        .hasMessage("config: 257 values (expected: at most 256)");
  }

  @Test
  void jsonIsReadWithItsTypes() throws IOException {
    Config config =
        Config.of(
            Json.parse(
                "{\"i\": 5, \"f\": 5.0, \"s\": \"5\", \"b\": false, \"big\": 9223372036854775808}",
                "json"));
    assertThat(config.values())
        .isEqualTo(Map.of("i", 5L, "f", 5.0, "s", "5", "b", false, "big", 0x1p63));
    assertThatThrownBy(() -> Config.of(Json.parse("{\"x\": [1]}", "json")))
        .hasMessage("config: x: a JSON ARRAY (expected: string, number or bool)");
    assertThatThrownBy(() -> Config.of(Json.parse("{\"x\": null}", "json")))
        .hasMessage("config: x: a JSON NULL (expected: string, number or bool)");
  }

  @Test
  void changeMakesAnotherConfig() {
    Config one = Config.none().with("x", 1);
    Config two = one.with("x", 2);
    assertThat(one.integer("x")).isEqualTo(1);
    assertThat(two.integer("x")).isEqualTo(2);
    assertThat(one).isNotEqualTo(two).isEqualTo(Config.none().with("x", 1L));
  }
}
