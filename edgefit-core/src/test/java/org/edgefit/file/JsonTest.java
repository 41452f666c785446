package org.edgefit.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonTest {

  record Point(int x, String name) {
    Point {
      if (x < 0) {
        throw new IllegalArgumentException("x: " + x + " (expected: >= 0)");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[1] | what: ARRAY (expected: a JSON object)",
        "7 | what: NUMBER (expected: a JSON object)",
        "`` | what: MISSING (expected: a JSON object)",
        "{\"a\":1 | what, column 7: truncated (expected: a complete JSON object)",
        "{\"a\":1,\"a\":2}" + " | what, column 11: key \"a\" is duplicated (expected: once)",
        "{\"a\":1,} | what, column 9: a comma before the closing bracket (expected: none)",
        "{\"a\":[1,2,]} | what, column 12: a comma before the closing bracket (expected: none)",
        "{'a':1} | what, column 3: not JSON (expected: a JSON object)",
        "{\"a\":NaN} | what, column 10: not JSON (expected: a JSON object)",
        "{\"a\":1} x | what, column 11: not JSON (expected: a JSON object)",
        "{\"a\":1}{\"b\":2} | what, column 9: not JSON (expected: a JSON object)",
        "{\"a\":01} | what, column 8: not JSON (expected: a JSON object)",
      })
  void textThatIsNoObjectIsRefusedByItsPlace(String text, String message) {
    assertThatThrownBy(() -> Json.parse(text, "what"))
        .isInstanceOf(IOException.class)
        .satisfies(
            e ->
                assertThat(e.getMessage().replaceAll("column \\d+", "column N"))
                    .isEqualTo(message.replaceAll("column \\d+", "column N")));
  }

  @Test
  void lineIsNamedFromTheSecondOn() {
    assertThatThrownBy(() -> Json.parse("{\n\"a\": 1\n\"b\": 2}", "what"))
        .hasMessageStartingWith("what, line 3, column ");
  }

  @Test
  void depthAndNumbersAreBounded() throws IOException {
    assertThat(Json.parse("{\"a\":" + "[".repeat(900) + "]".repeat(900) + "}", "what").size())
        .isEqualTo(1);
    assertThatThrownBy(
            () -> Json.parse("{\"a\":" + "[".repeat(2000) + "]".repeat(2000) + "}", "what"))
        .hasMessage("what: nested more than 1000 deep (expected: less)");
    assertThatThrownBy(() -> Json.parse("{\"a\":" + "9".repeat(20_000) + "}", "what"))
        .hasMessage("what: a number of more than 10000 digits (expected: fewer)");
    assertThatThrownBy(() -> Json.parse("{\"" + "k".repeat(60_000) + "\":1}", "what"))
        .hasMessage("what: a key of more than 50000 characters (expected: fewer)");
  }

  @Test
  void recordsAreReadWithTheirOwnChecks() throws IOException {
    assertThat(Json.value(Json.parse("{\"x\":3,\"name\":\"n\"}", "w"), Point.class, "point"))
        .isEqualTo(new Point(3, "n"));
    assertThatThrownBy(
            () -> Json.value(Json.parse("{\"x\":-3,\"name\":\"n\"}", "w"), Point.class, "point"))
        .hasMessage("point: x: -3 (expected: >= 0)");
    for (String wrong :
        List.of("{\"x\":3}", "{\"x\":null,\"name\":\"n\"}", "{\"x\":\"a\",\"name\":\"n\"}")) {
      assertThatThrownBy(() -> Json.value(Json.parse(wrong, "w"), Point.class, "point"))
          .hasMessage("point: " + wrong + " (expected: the components of Point, each of its type)");
    }
  }

  @Test
  void itemsOfAListAreTakenOneByOne() throws IOException {
    List<String> items = new ArrayList<>();
    Json.items("[{\"a\":1}, 2, []]", "w", (item, number) -> items.add(number + "=" + item));
    assertThat(items).containsExactly("1={\"a\":1}", "2=2", "3=[]");
    assertThatThrownBy(() -> Json.items("{}", "w", (item, number) -> {}))
        .hasMessage("w: not a JSON list (expected: one)");
    assertThatThrownBy(() -> Json.items("[1] 2", "w", (item, number) -> {}))
        .hasMessage("w: trailing data after the JSON list");
    assertThatThrownBy(() -> Json.items("[1, 2", "w", (item, number) -> {}))
        .hasMessageContaining("truncated");
  }

  @Test
  void valuesAreWrittenOnOneLineOrIndented() {
    assertThat(Json.line(Map.of("a", List.of(1, 2.5, true, "x"))))
        .isEqualTo("{\"a\":[1,2.5,true,\"x\"]}");
    assertThat(Json.indented(Json.object().put("a", 1))).isEqualTo("{\n  \"a\" : 1\n}\n");
    assertThat(Json.tree(new Point(1, "n"))).hasToString("{\"x\":1,\"name\":\"n\"}");
    assertThat(Json.array().add(1)).hasToString("[1]");
  }

  @Test
  void failuresOfFilesHaveTheirReason() {
    assertThat(FileFault.message(new AccessDeniedException("f"))).isEqualTo("f: access denied");
    assertThat(FileFault.message(new FileAlreadyExistsException("f")))
        .isEqualTo("f: there is a file of that name");
    assertThat(FileFault.message(new NoSuchFileException("f")))
        .isEqualTo("f: no such file or directory");
    assertThat(FileFault.message(new NotDirectoryException("f")))
        .isEqualTo("f: a file (expected: a directory)");
    assertThat(FileFault.message(new DirectoryNotEmptyException("f")))
        .isEqualTo("f: a directory that is not empty");
    assertThat(FileFault.message(new FileSystemException("f")))
        .isEqualTo("f: it cannot be read or written");
    assertThat(FileFault.message(new FileSystemException("f", null, "Input/output error")))
        .isEqualTo("f: Input/output error");
    assertThat(FileFault.message(new NoSuchFileException("f: no such file")))
        .isEqualTo("f: no such file");
    assertThat(FileFault.message(new IOException("plain"))).isEqualTo("plain");
    assertThat(FileFault.message(new IllegalStateException()))
        .isEqualTo("java.lang.IllegalStateException");
  }

  @Test
  void failureWithoutAFileGetsIts() {
    Path file = Path.of("f");
    IOException bare = new IOException("No space left on device");
    assertThat(FileFault.named(file, bare)).hasMessage("f: No space left on device").hasCause(bare);
    NoSuchFileException named = new NoSuchFileException("g");
    assertThat(FileFault.named(file, named)).isSameAs(named);
  }
}
