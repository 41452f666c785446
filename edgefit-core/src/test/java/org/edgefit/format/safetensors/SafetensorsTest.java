package org.edgefit.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {

  @TempDir Path temp;

  private Path file(String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    return Files.write(temp.resolve("hostile.safetensors"), bytes.array());
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path path = temp.resolve("a.safetensors");
    List<StoredTensor> tensors =
        List.of(
            new StoredTensor("b", TensorType.F32, List.of(2L, 3L)),
            new StoredTensor("a", TensorType.U8, List.of(5L)),
            new StoredTensor("empty", TensorType.F32, List.of(0L, 4L)));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(path, tensors, Map.of("format", "pt"))) {
      writer.write("b", FloatBuffer.wrap(new float[] {1, 2, 3, 4, 5, -0f}));
      writer.write("a", ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}));
      writer.write("empty", FloatBuffer.allocate(0));
      writer.finish();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensors()).containsExactlyElementsOf(tensors);
      assertThat(file.metadata()).containsEntry("format", "pt");
      assertThat(file.floats("b").array()).isEqualTo(new float[] {1, 2, 3, 4, 5, -0f});
      assertThat(file.read("a")).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}));
    }
  }

  @Test
  void unfinishedFileLeavesNothing() throws IOException {
    Path path = temp.resolve("a.safetensors");
    SafetensorsWriter writer =
        SafetensorsWriter.create(
            path, List.of(new StoredTensor("a", TensorType.U8, List.of(5L))), Map.of());
    assertThatThrownBy(writer::finish).hasMessageContaining("a: not written");
    writer.close();
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void halvesAndBfloatsAreWidenedExactly() throws IOException {
    Path path =
        file(
            "{\"h\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[0,10]},"
                + "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[10,14]}}",
            14);
    byte[] bytes = Files.readAllBytes(path);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int at = bytes.length - 14;
    short[] halves = {0x3c00, (short) 0xc000, 0x0001, 0x7bff, (short) 0xfc00};
    for (int i = 0; i < 5; i++) {
      data.putShort(at + 2 * i, halves[i]);
    }
    data.putShort(at + 10, (short) 0x3f80).putShort(at + 12, (short) 0xc049);
    Files.write(path, bytes);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.floats("h").array())
          .isEqualTo(new float[] {1, -2, 0x1p-24f, 65504, Float.NEGATIVE_INFINITY});
      assertThat(file.floats("b").array()).isEqualTo(new float[] {1, -3.140625f});
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'a':{'dtype':'F99','shape':[1],'data_offsets':[0,4]}} | a: dtype",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | a: shape [-1]",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | a: 4 bytes at data offset 0",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,9]}} | truncated: 4 bytes of data (expected: 9, as its header says)",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}} | a: data_offsets [4, 0]",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[-4,0]}} | a: data_offsets [-4, 0]",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}} | a: data_offsets [0]",
        "{'a':{'dtype':'F32','shape':'x','data_offsets':[0,4]}} | a: shape",
        "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}} | a: shape",
        "{'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,4]}} | a: shape",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
            + "'b':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | b: data offset 0 overlaps",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[3,4]}} | a: data offset 3 leaves a gap",
        "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}} | end at data offset 1",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
            + "'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | key \"a\" is duplicated",
        "[1] | header at offset 8: ARRAY",
        "{'a' | header at offset 8",
      })
  void hostileHeaderIsRefusedByName(String header, String error) throws IOException {
    Path path = file(header.replace('\'', '"'), 4);
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("hostile.safetensors")
        .hasMessageContaining(error);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, 1000, Long.MAX_VALUE, Long.MIN_VALUE, 200_000_000})
  void headerLengthBeyondTheFileIsRefused(long length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    Path path = Files.write(temp.resolve("hostile.safetensors"), bytes.array());
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("header length")
        .hasMessageContaining("offset 0");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7})
  void tooShortFileIsRefused(int bytes) throws IOException {
    Path path = Files.write(temp.resolve("hostile.safetensors"), new byte[bytes]);
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .hasMessageContaining(bytes == 0 ? ": empty" : "7 bytes");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void damagedFileIsReadOrRefusedButNothingElse(long seed) throws IOException {
    Path path = temp.resolve("a.safetensors");
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            path,
            List.of(
                new StoredTensor("a", TensorType.F32, List.of(3L)),
                new StoredTensor("b", TensorType.U8, List.of(4L))),
            Map.of())) {
      writer.write("a", FloatBuffer.allocate(3));
      writer.write("b", ByteBuffer.allocate(4));
      writer.finish();
    }
    byte[] whole = Files.readAllBytes(path);
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(path, damaged);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        for (StoredTensor tensor : file.tensors()) {
          assertThat((long) file.map(tensor.name()).remaining()).isEqualTo(tensor.bytes());
        }
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("a.safetensors");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "version https://git-lfs.github.com/spec/v1 | a Git LFS pointer instead of the file",
        "<!DOCTYPE html><html></html> | an HTML page",
        "'' | empty",
      })
  void fileThatIsSomethingElseIsRefusedByWhatItIs(String text, String kind) throws IOException {
    Path path = temp.resolve("other.safetensors");
    Files.writeString(path, text);
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .hasMessageContaining("other.safetensors: " + kind)
        .hasMessageContaining("(expected: a safetensors file)");
    assertThatThrownBy(() -> SafetensorsFile.open(temp))
        .hasMessage(temp + ": a directory (expected: a safetensors file)");
  }
}
