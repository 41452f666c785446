package org.edgefit.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {

  @TempDir private Path temp;

  private GgufFile open(GgufBytes bytes) throws IOException {
    return GgufFile.open(bytes.write(temp.resolve("m.gguf")));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void valuesOfEveryTypeAreRead(int version) throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .version(version)
            .key("u8", GgufBytes.UINT8, 200)
            .key("i8", GgufBytes.INT8, -3)
            .key("u16", GgufBytes.UINT16, 60_000)
            .key("i16", GgufBytes.INT16, -3)
            .key("u32", GgufBytes.UINT32, 4_000_000_000L)
            .key("i32", GgufBytes.INT32, -3)
            .key("f32", GgufBytes.FLOAT32, 0.5f)
            .key("yes", GgufBytes.BOOL, true)
            .key("no", GgufBytes.BOOL, false)
            .key("text", GgufBytes.STRING, "Grüße ▁")
            .key("u64", GgufBytes.UINT64, Long.MAX_VALUE)
            .key("i64", GgufBytes.INT64, Long.MIN_VALUE)
            .key("f64", GgufBytes.FLOAT64, 1e-300)
            .list("list", GgufBytes.STRING, List.of("a", "", "b"))
            .list("empty", GgufBytes.INT32, List.of());
    try (GgufFile file = open(bytes)) {
      assertThat(file.find("u8")).isEqualTo(200L);
      assertThat(file.find("i8")).isEqualTo(-3L);
      assertThat(file.find("u16")).isEqualTo(60_000L);
      assertThat(file.find("i16")).isEqualTo(-3L);
      assertThat(file.find("u32")).isEqualTo(4_000_000_000L);
      assertThat(file.find("i32")).isEqualTo(-3L);
      assertThat(file.find("f32")).isEqualTo(0.5);
      assertThat(file.find("yes")).isEqualTo(true);
      assertThat(file.find("no")).isEqualTo(false);
      assertThat(file.find("text")).isEqualTo("Grüße ▁");
      assertThat(file.find("u64")).isEqualTo(Long.MAX_VALUE);
      assertThat(file.find("i64")).isEqualTo(Long.MIN_VALUE);
      assertThat(file.find("f64")).isEqualTo(1e-300);
      assertThat(file.find("list")).isEqualTo(List.of("a", "", "b"));
      assertThat(file.find("empty")).isEqualTo(List.of());
      assertThat(file.find("none")).isNull();
      assertThat(file.path()).isEqualTo(temp.resolve("m.gguf"));
    }
  }

  @Test
  void metadataIsReadByKindWithADefaultWhereThereIsNone() throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .integer("n", 7)
            .key("x", GgufBytes.FLOAT32, 0.25f)
            .string("s", "text")
            .list("l", GgufBytes.INT32, List.of(1, 2));
    try (GgufFile file = open(bytes)) {
      assertThat(file.integer("n")).isEqualTo(7);
      assertThat(file.integer("n", 3)).isEqualTo(7);
      assertThat(file.integer("none", 3)).isEqualTo(3);
      assertThat(file.number("x", 1)).isEqualTo(0.25);
      assertThat(file.number("n", 1)).isEqualTo(7);
      assertThat(file.number("none", 1.5)).isEqualTo(1.5);
      assertThat(file.string("s", "other")).isEqualTo("text");
      assertThat(file.string("none", "other")).isEqualTo("other");
      assertThat(file.list("l", Long.class)).containsExactly(1L, 2L);
      assertThat(file.list("none", Long.class)).isEmpty();
    }
  }

  @Test
  void metadataOfAnotherKindIsRefusedByKeyAndValue() throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .string("s", "text")
            .key("negative", GgufBytes.INT32, -1)
            .key("large", GgufBytes.UINT32, 4_000_000_000L)
            .list("l", GgufBytes.STRING, List.of("a"));
    try (GgufFile file = open(bytes)) {
      String path = temp.resolve("m.gguf").toString();
      assertThatThrownBy(() -> file.integer("s"))
          .hasMessage(path + ": s: text (expected: an integer)");
      assertThatThrownBy(() -> file.integer("none"))
          .hasMessage(path + ": none: missing (expected: an integer)");
      assertThatThrownBy(() -> file.integer("negative", 1))
          .hasMessage(path + ": negative: -1 (expected: an integer)");
      assertThatThrownBy(() -> file.integer("large"))
          .hasMessage(path + ": large: 4000000000 (expected: an integer)");
      assertThatThrownBy(() -> file.number("l", 1))
          .hasMessage(path + ": l: a list of 1 (expected: a number)");
      assertThatThrownBy(() -> file.list("l", Long.class))
          .hasMessage(path + ": l: a list of 1 (expected: a list of Long)");
      assertThatThrownBy(() -> file.list("s", String.class))
          .hasMessage(path + ": s: text (expected: a list)");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 32, 64})
  void tensorsLieWhereTheAlignmentPutsThem(int alignment) throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .alignment(alignment)
            .floats("one", List.of(3), 1, 2, 3)
            .floats("two", List.of(2, 3), 4, 5, 6, 7, 8, 9);
    try (GgufFile file = open(bytes)) {
      assertThat(file.tensors().keySet()).containsExactly("one", "two");
      GgufFile.Tensor two = file.tensors().get("two");
      assertThat(two.shape()).containsExactly(3L, 2L); // the file has the innermost first
      assertThat(two.elements()).isEqualTo(6);
      assertThat(two.bytes()).isEqualTo(24);
      assertThat(two.offset() % alignment).isZero();
      ByteBuffer values = GgufFile.buffer(24);
      file.read(two, 0, values);
      assertThat(values.flip().asFloatBuffer().get(5)).isEqualTo(9);
      ByteBuffer last = GgufFile.buffer(8);
      file.read(two, 16, last);
      assertThat(last.flip().asFloatBuffer().get(0)).isEqualTo(8);
      assertThatThrownBy(() -> file.read(two, 20, GgufFile.buffer(8)))
          .hasMessage(file.path() + ": two: unexpected end of file");
    }
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments(new GgufBytes().version(1), "version 1 (expected: 2 or 3)"),
        arguments(new GgufBytes().version(4), "version 4 (expected: 2 or 3)"),
        arguments(new GgufBytes().magic(0x46554748), "something else (expected: a GGUF file)"),
        arguments(new GgufBytes().declare(1, 0), "truncated header"),
        arguments(new GgufBytes().declare(-1, 0), "metadata: -1 entries"),
        arguments(new GgufBytes().declare(0, 1L << 40), "tensors: 1099511627776 entries"),
        arguments(new GgufBytes().integer("split.count", 2), "split.count: 2 (expected: a model"),
        arguments(
            new GgufBytes().integer("general.alignment", 0),
            "general.alignment: 0 (expected: an integer > 0)"),
        arguments(new GgufBytes().key("x", 13, 0), "x: value type 13"),
        arguments(new GgufBytes().list("x", GgufBytes.ARRAY, List.of()), "x: a list of lists"),
        arguments(new GgufBytes().integer("x", 1).integer("x", 2), "x: duplicate"),
        arguments(
            new GgufBytes().floats("w", List.of(1), 1).floats("w", List.of(1), 2), "w: duplicate"),
        arguments(new GgufBytes().tensor("w", List.of(), 0, 0), "w: 0 dimensions"),
        arguments(new GgufBytes().tensor("w", List.of(1, 1, 1, 1, 1), 0, 0), "w: 5 dimensions"),
        arguments(new GgufBytes().tensor("w", List.of(0), 0, 0), "w: dimension 0"),
        arguments(new GgufBytes().tensor("w", List.of(-4), 0, 0), "w: dimension -4"),
        arguments(new GgufBytes().tensor("w", List.of(4), 99, 0), "w: ggml type 99 (expected: one"),
        arguments(
            new GgufBytes().tensor("w", List.of(33), 8, 0),
            "w: shape [33] does not fill blocks of Q8_0"),
        arguments(new GgufBytes().tensor("w", List.of(4), 0, 0), "w: beyond the end of the file"),
        arguments(
            new GgufBytes().floats("v", List.of(1), 1).tensor("w", List.of(1), 0, -32),
            "w: beyond the end of the file"),
        arguments(
            new GgufBytes()
                .tensor(
                    "w", List.of(2_000_000_000, 2_000_000_000, 2_000_000_000), GgufBytes.F32, 0),
            "a tensor of more than 2^63 values"));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenFileIsRefusedByWhatIsBroken(GgufBytes bytes, String message) throws IOException {
    Path file = bytes.write(temp.resolve("m.gguf"));
    assertThatThrownBy(() -> GgufFile.open(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file + ": " + message);
  }

  /** A channel that stays open would keep a file of Windows from being deleted. */
  @Test
  void cutAtAnyByteIsRefused() throws IOException {
    byte[] whole =
        new GgufBytes()
            .string("general.architecture", "llama")
            .list("l", GgufBytes.INT32, List.of(1, 2, 3))
            .floats("w", List.of(2), 1, 2)
            .bytes();
    Path file = temp.resolve("m.gguf");
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> GgufFile.open(file)).isInstanceOf(IOException.class);
      Files.delete(file);
    }
  }

  @Test
  void fileOfAnotherKindIsCalledByWhatItIs() throws IOException {
    Path page =
        Files.writeString(temp.resolve("page.gguf"), "<!DOCTYPE html><html>Not Found</html>");
    assertThatThrownBy(() -> GgufFile.open(page))
        .hasMessageContaining("HTML")
        .hasMessageEndingWith("(expected: a GGUF file)");
  }
}
