package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a peer writes must neither steer a terminal nor name a file that is not its own. */
class ClientTextTest {

  @Test
  void plainTextIsShownAsItIs() {
    String text = "loss 0.5 — Grüße, 日本, 😀";
    assertThat(ClientText.shown(text)).isEqualTo(text);
    assertThat(ClientText.shown("")).isEmpty();
  }

  @Test
  void whatTurnsOrBreaksALineIsEscaped() {
    assertThat(ClientText.shown("a\nb")).isEqualTo("a\\nb");
    assertThat(ClientText.shown("a\rb\u001b[2J\u0000")).isEqualTo("a\\u000db\\u001b[2J\\u0000");
    assertThat(ClientText.shown("a\u202eb\u2066\u200b")).isEqualTo("a\\u202eb\\u2066\\u200b");
    assertThat(ClientText.shown("a\u2028b\u2029")).isEqualTo("a\\u2028b\\u2029");
    assertThat(ClientText.shown("a\ufeff\uffff")).isEqualTo("a\\ufeff\\uffff");
    assertThat(ClientText.shown("\u007f\u0085")).isEqualTo("\\u007f\\u0085");
  }

  @Test
  void halfACharacterIsEscaped() {
    assertThat(ClientText.shown("a\ud83d")).isEqualTo("a\\ud83d");
    assertThat(ClientText.shown("\ud83dx")).isEqualTo("\\ud83dx");
    assertThat(ClientText.shown("\ude00")).isEqualTo("\\ude00");
    assertThat(ClientText.shown("x\ude00")).isEqualTo("x\\ude00");
    assertThat(ClientText.shown("\ud83d\ude00\ude00")).isEqualTo("\ud83d\ude00\\ude00");
  }

  @Test
  void longTextIsCutWithItsLength() {
    assertThat(ClientText.shown("abcdef", 6)).isEqualTo("abcdef");
    assertThat(ClientText.shown("abcdefg", 6)).isEqualTo("abcdef... (7 characters)");
    assertThat(ClientText.shown("x".repeat(501)))
        .isEqualTo("x".repeat(500) + "... (501 characters)");
    assertThat(ClientText.shown("x".repeat(500))).isEqualTo("x".repeat(500));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "7", "home-1", "A_b-C", "0123456789"})
  void idOfLettersDigitsAndDashesIsTaken(String id) {
    assertThat(ClientId.require(id)).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "-a", "_a", ".", "..", "a/b", "a\\b", "a b", "a\n", "ä", "a.b", "a:b", "CON "})
  void idThatCouldNameAnotherFileIsRefused(String id) {
    assertThatThrownBy(() -> ClientId.require(id))
        .hasMessage(
            "client id: \""
                + id
                + "\" (expected: 1 to 64 of A-Z a-z 0-9 - _, the first a letter or digit)");
  }

  @Test
  void idIsOfAtMost64Characters() {
    assertThat(ClientId.require("a".repeat(64))).hasSize(64);
    assertThatThrownBy(() -> ClientId.require("a".repeat(65))).hasMessageContaining("a".repeat(65));
    assertThatThrownBy(() -> ClientId.require("a".repeat(10_000)))
        .hasMessageStartingWith("client id: \"" + "a".repeat(80) + "\" (");
  }

  @Test
  void tasksAreOrderedByTheirNumber() {
    assertThat(new TreeSet<>(java.util.List.of(new TaskId(10), new TaskId(9), new TaskId(100))))
        .containsExactly(new TaskId(9), new TaskId(10), new TaskId(100));
    assertThat(new TaskId(7)).hasToString("7");
    assertThatThrownBy(() -> new TaskId(0)).hasMessage("task: 0 (expected: >= 1)");
  }
}
