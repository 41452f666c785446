package org.edgefit.file;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TextFileTest {

  @TempDir private Path temp;

  private Path write(byte[] bytes) throws IOException {
    return Files.write(temp.resolve("f.txt"), bytes);
  }

  @Test
  void textIsReadWithOrWithoutItsMark() throws IOException {
    assertThat(TextFile.read(write("Grüße\n".getBytes(UTF_8)))).isEqualTo("Grüße\n");
    assertThat(TextFile.read(write("\ufeffGrüße".getBytes(UTF_8)))).isEqualTo("Grüße");
    assertThat(TextFile.read(write("a\ufeffb".getBytes(UTF_8)))).isEqualTo("a\ufeffb");
    assertThat(TextFile.read(write("\ufeff".getBytes(UTF_8)))).isEmpty();
  }

  static Stream<Arguments> kinds() {
    return Stream.of(
        arguments(new byte[0], "empty"),
        arguments("version https://git-lfs.github.com/spec/v1\n".getBytes(UTF_8), "a Git LFS"),
        arguments("  <!DOCTYPE HTML>\n<html>".getBytes(UTF_8), "an HTML page"),
        arguments("<html lang=en>".getBytes(UTF_8), "an HTML page"),
        arguments("PK\u0003\u0004rest".getBytes(ISO_8859_1), "a zip archive"),
        arguments("\u001f\u008b\u0008".getBytes(ISO_8859_1), "gzip data"),
        arguments("\u0080\u0002}q".getBytes(ISO_8859_1), "a Python pickle"),
        arguments("\u0080\u0005}q".getBytes(ISO_8859_1), "a Python pickle"),
        arguments("GGUF\u0003".getBytes(ISO_8859_1), "a GGUF model"),
        arguments("text".getBytes(UTF_16), "UTF-16 text, or a binary file"),
        arguments("t\0e\0".getBytes(ISO_8859_1), "UTF-16 text, or a binary file"),
        arguments("\0t\0e".getBytes(ISO_8859_1), "UTF-16 text, or a binary file"));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void fileOfAnotherKindIsCalledByIt(byte[] bytes, String kind) throws IOException {
    Path file = write(bytes);
    assertThatThrownBy(() -> TextFile.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file + ": " + kind)
        .hasMessageEndingWith("(expected: UTF-8 text)");
  }

  @Test
  void whatIsNoReadableFileIsSaid() {
    assertThatThrownBy(() -> TextFile.read(temp))
        .hasMessage(temp + ": a directory (expected: a file)");
    assertThatThrownBy(() -> TextFile.read(temp.resolve("none")))
        .hasMessage(temp.resolve("none") + ": no such file");
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 1", "5, 1, 6", "9000, 1, 9001", "20000, 1, 20001"})
  void byteThatIsNoUtf8IsPlaced(int before, int line, int at) throws IOException {
    byte[] bytes = new byte[before + 3];
    Arrays.fill(bytes, (byte) 'x');
    bytes[before] = (byte) 0xe9;
    Path file = write(bytes);
    assertThatThrownBy(() -> TextFile.read(file))
        .hasMessage(
            file
                + ": line "
                + line
                + ", byte "
                + at
                + ": 0xe9 is not UTF-8 (expected: UTF-8 text)");
  }

  @Test
  void lineOfAByteIsCounted() throws IOException {
    Path file = write("eins\nzwei\n\ndr\u00e9i\n".getBytes(ISO_8859_1));
    assertThatThrownBy(() -> TextFile.read(file))
        .hasMessageContaining(": line 4, byte 3: 0xe9 is not UTF-8");
  }

  private static byte[] zipped(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  private String unzipped(byte[] bytes) throws IOException {
    return UTF_8.decode(TextFile.bytes(write(bytes), true)).toString();
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  @Test
  void gzippedTextIsUnpackedWhereThatIsAsked() throws IOException {
    String text = "Grüße\n".repeat(20_000);
    assertThat(unzipped(zipped(text))).isEqualTo(text);
    assertThat(unzipped("plain".getBytes(UTF_8))).isEqualTo("plain");
    Path file = write(zipped(text));
    assertThatThrownBy(() -> TextFile.read(file)).hasMessageContaining(": gzip data");
  }

  @Test
  void membersFollowEachOtherAndZerosPad() throws IOException {
    assertThat(unzipped(concat(zipped("a"), zipped("b"), zipped("c")))).isEqualTo("abc");
    assertThat(unzipped(concat(zipped("a"), new byte[100]))).isEqualTo("a");
  }

  /** RFC 1952: a member may carry more bytes, a name, a comment, and a sum of its header. */
  @Test
  void headerMayHaveEveryField() throws IOException {
    byte[] plain = zipped("text");
    byte[] header = Arrays.copyOf(plain, 10);
    header[3] = 2 | 4 | 8 | 16;
    byte[] fields = {3, 0, 1, 2, 3, 'n', 0, 'c', 'o', 0, 9, 9};
    byte[] rest = Arrays.copyOfRange(plain, 10, plain.length);
    assertThat(unzipped(concat(header, fields, rest))).isEqualTo("text");
    header[3] = 8;
    assertThat(unzipped(concat(header, new byte[] {'n', 0}, rest))).isEqualTo("text");
    header[3] = (byte) 0x80;
    Path file = write(concat(header, rest));
    assertThatThrownBy(() -> TextFile.bytes(file, true))
        .hasMessage(file + ": corrupt gzip at byte 0: damaged (expected: a whole file)");
  }

  @Test
  void gzipCutAtAnyByteIsRefused() throws IOException {
    byte[] whole = zipped("some text that is packed");
    for (int length = 2; length < whole.length; length++) {
      Path file = write(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> TextFile.bytes(file, true))
          .as("cut at %d", length)
          .hasMessageContaining(": corrupt gzip at byte ");
    }
  }

  @Test
  void damagedGzipIsNeverReadAsOtherText() throws IOException {
    byte[] whole = zipped("some text that is packed");
    int refused = 0;
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 0x08;
      Path file = write(damaged);
      try {
        String text = TextFile.decode(TextFile.bytes(file, true), file.toString());
        // in what no reader takes: a time, a system, bits after the last block
        assertThat(text).isEqualTo("some text that is packed");
      } catch (IOException e) {
        assertThat(e).hasMessageStartingWith(file.toString());
        refused++;
      }
    }
    assertThat(refused).isGreaterThanOrEqualTo(whole.length - 8);
  }
}
