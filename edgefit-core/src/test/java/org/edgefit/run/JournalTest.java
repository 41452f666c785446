package org.edgefit.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {

  @TempDir Path temp;

  @Test
  void linesFollowEachOther() throws IOException {
    Path log = temp.resolve("journal.log");
    try (Journal journal = Journal.open(log, 0)) {
      journal.append("{\"a\":1}");
      journal.append("{\"b\":2}");
    }
    assertThat(Files.readAllLines(log))
        .hasSize(2)
        .allMatch(line -> line.matches("[0-9a-f]{8} [0-9a-f]{8} \\{.*}"));
    long first = Files.readAllLines(log).get(0).length() + 1L;
    try (Journal journal = Journal.open(log, first)) { // what is after is cut
      journal.append("{\"c\":3}");
    }
    assertThat(Files.readString(log)).contains("{\"a\":1}", "{\"c\":3}").doesNotContain("{\"b\"");
  }

  @Test
  void logThatIsGoneIsNotWrittenTo() throws IOException {
    Path log = temp.resolve("journal.log");
    try (Journal journal = Journal.open(log, 0)) {
      journal.append("{}");
      Files.delete(log);
      assertThatThrownBy(() -> journal.append("{}"))
          .isInstanceOf(IOException.class)
          .hasMessage(log + ": deleted (expected: the open log of the run)");
      Files.writeString(log, "another");
      assertThatThrownBy(() -> journal.append("{}"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no longer written");
    }
  }
}
