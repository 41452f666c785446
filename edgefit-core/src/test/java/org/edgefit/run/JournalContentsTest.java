package org.edgefit.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is read of a log, whole, torn at any byte, or altered at any byte. */
class JournalContentsTest {

  private static final List<String> LINES = List.of("{\"a\":1}", "", "Grüße", "{\"last\":true}");

  @TempDir private Path temp;
  private Path path;

  @BeforeEach
  void write() throws IOException {
    path = temp.resolve("journal.log");
    try (Journal journal = Journal.open(path, 0)) {
      for (String line : LINES) {
        journal.append(line);
      }
    }
  }

  @Test
  void linesComeBackInTheirOrder() throws IOException {
    Journal.Contents contents = Journal.read(path);
    assertThat(contents.texts()).isEqualTo(LINES);
    assertThat(contents.bytes()).isEqualTo(Files.size(path));
    assertThat(contents.fault()).isNull();
    assertThat(contents.isTorn()).isFalse();
    assertThat(LINES.stream().mapToLong(Journal::bytesOf).sum()).isEqualTo(Files.size(path));
    assertThat(Files.readString(path)).startsWith("00000007 ").contains("{\"a\":1}\n");
  }

  @Test
  void logThatIsMissingIsEmpty() throws IOException {
    Journal.Contents contents = Journal.read(temp.resolve("none.log"));
    assertThat(contents.texts()).isEmpty();
    assertThat(contents.bytes()).isZero();
    assertThat(contents.fault()).isNull();
  }

  /** A machine that stops leaves a prefix: the lines before it are whole, and it can be cut. */
  @Test
  void cutAtAnyByteIsTornAndLosesTheCutLineAlone() throws IOException {
    byte[] whole = Files.readAllBytes(path);
    long start = 0;
    int line = 0;
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      Journal.Contents contents = Journal.read(path);
      if (length == start + Journal.bytesOf(LINES.get(line))) {
        start = length;
        line++;
      }
      assertThat(contents.texts()).as("cut at %d", length).isEqualTo(LINES.subList(0, line));
      assertThat(contents.bytes()).isEqualTo(start);
      assertThat(contents.isTorn()).as("cut at %d", length).isEqualTo(length > start);
      if (length > start) {
        assertThat(contents.fault()).startsWith("journal.log:" + (line + 1) + ": byte " + start);
      }
    }
  }

  @Test
  void alteredByteIsFoundInItsLine() throws IOException {
    byte[] whole = Files.readAllBytes(path);
    for (int at = 0; at < whole.length; at++) {
      byte[] altered = whole.clone();
      altered[at] ^= 0x10;
      Files.write(path, altered);
      Journal.Contents contents = Journal.read(path);
      assertThat(contents.fault()).as("byte %d", at).isNotNull();
      assertThat(contents.texts())
          .as("byte %d", at)
          .isEqualTo(LINES.subList(0, contents.texts().size()));
      assertThat(contents.bytes()).isLessThanOrEqualTo(at);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "short | 5 bytes (expected: length, CRC32C and text)",
        "0000000x 00000000 text here | no length and CRC32C at its start",
        "00000003 00000000 text | 4 bytes of text (expected: 3)",
        "00000004 00000000 text | CRC32C 86f4e2bc (expected: 00000000)",
      })
  void lineThatIsNotWholeIsDescribed(String line, String fault) throws IOException {
    Files.write(path, (line + "\n").getBytes(StandardCharsets.UTF_8));
    assertThat(Journal.read(path).fault()).startsWith("journal.log:1: byte 0: ");
    String actual = String.valueOf(Journal.read(path).fault());
    assertThat(actual.replaceFirst("CRC32C [0-9a-f]{8} \\(", "CRC32C 86f4e2bc (")).endsWith(fault);
    assertThat(Journal.read(path).isTorn()).isFalse();
  }

  @Test
  void logIsWrittenOnFromItsWholeBytes() throws IOException {
    byte[] whole = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(whole, whole.length - 3));
    Journal.Contents torn = Journal.read(path);
    try (Journal journal = Journal.open(path, torn.bytes())) {
      journal.append("after");
    }
    assertThat(Journal.read(path).texts())
        .containsExactly(LINES.get(0), LINES.get(1), LINES.get(2), "after");
  }

  @Test
  void logThatWasDeletedIsNeverWrittenAgain() throws IOException {
    try (Journal journal = Journal.open(path, 0)) {
      Files.delete(path);
      assertThatThrownBy(() -> journal.append("x"))
          .hasMessage(path + ": deleted (expected: the open log of the run)");
      Files.createFile(path);
      assertThatThrownBy(() -> journal.append("x"))
          .hasMessageStartingWith(path + ": no longer written: ");
    }
  }
}
