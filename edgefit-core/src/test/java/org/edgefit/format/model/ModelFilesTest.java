package org.edgefit.format.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import org.edgefit.file.Sha256;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFilesTest {

  @TempDir private Path temp;

  /** Writes tensors of two values, the first of which is the name's length. */
  private void write(String file, String... names) throws IOException {
    List<StoredTensor> tensors =
        List.of(names).stream()
            .map(name -> new StoredTensor(name, TensorType.F32, List.of(2L)))
            .toList();
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(temp.resolve(file), tensors, Map.of())) {
      for (String name : names) {
        writer.write(name, FloatBuffer.wrap(new float[] {name.length(), -1}));
      }
      writer.finish();
    }
  }

  private Path index(String map) throws IOException {
    return Files.writeString(
        temp.resolve("model.safetensors.index.json"),
        ("{'weight_map':" + map + "}").replace('\'', '"'));
  }

  @Test
  void shardsAreOneModel() throws IOException {
    write("one.safetensors", "bb", "d");
    write("two.safetensors", "a", "ccc");
    index(
        "{'a':'two.safetensors','bb':'one.safetensors','ccc':'two.safetensors',"
            + "'d':'one.safetensors'}");
    try (ModelFiles files = ModelFiles.open(temp)) {
      assertThat(files.names()).containsExactly("a", "bb", "ccc", "d");
      FloatBuffer out = FloatBuffer.allocate(2);
      files.copyFloats("ccc", 0, out);
      assertThat(out.array()).containsExactly(3, -1);
      FloatBuffer last = FloatBuffer.allocate(1);
      files.copyFloats("bb", 1, last);
      assertThat(last.array()).containsExactly(-1);
      assertThat(files.tensor("bb")).isEqualTo(new StoredTensor("bb", TensorType.F32, List.of(2L)));
      assertThat(files.where("bb")).isEqualTo(temp.resolve("one.safetensors") + ": bb");
      assertThat(files.find("none")).isNull();
      ByteBuffer bytes = ByteBuffer.allocate(8);
      files.copyBytes("a", bytes);
      MessageDigest expected = Sha256.digest();
      expected.update(bytes.array());
      MessageDigest digest = Sha256.digest();
      files.digest("a", digest);
      assertThat(Sha256.hex(digest)).isEqualTo(Sha256.hex(expected));
      assertThatThrownBy(() -> files.tensor("none")).hasMessage(temp + ": none: no such tensor");
    }
    assertThat(ModelFiles.exist(temp)).isTrue();
  }

  @Test
  void directoryWithoutWeightsIsRefused() {
    assertThat(ModelFiles.exist(temp)).isFalse();
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(
            temp + ": no weights (expected: model.safetensors or model.safetensors.index.json)");
  }

  @Test
  void indexThatIsWrongIsRefusedByTensorAndFile() throws IOException {
    write("one.safetensors", "a");
    write("two.safetensors", "b");
    Path index = index("{'a':'one.safetensors','b':'one.safetensors'}");
    String one = temp.resolve("one.safetensors").toString();
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(
            one + ": b: no such tensor (expected: it, as model.safetensors.index.json says)");
    index("{'a':'two.safetensors','b':'one.safetensors'}");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(index + ": a: two.safetensors (expected: one.safetensors, which holds it)");
    write("two.safetensors", "b", "c");
    index("{'a':'one.safetensors','b':'two.safetensors'}");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(
            temp.resolve("two.safetensors")
                + ": c: not in model.safetensors.index.json (expected: the index of these files)");
    write("two.safetensors", "a", "b");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(temp.resolve("two.safetensors") + ": a: also in one.safetensors");
    index("{}");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(index + ": weight_map: none (expected: the file of each tensor)");
    index("{'a':'.hidden'}");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessage(index + ": a: .hidden (expected: a file's name)");
  }

  @Test
  void shardThatIsMissingIsNamed() throws IOException {
    write("one.safetensors", "a");
    index("{'a':'one.safetensors','b':'two.safetensors'}");
    assertThatThrownBy(() -> ModelFiles.open(temp))
        .hasMessageStartingWith(temp.resolve("two.safetensors") + ": no such file");
  }

  @Test
  void singleFileCountsBeforeAnIndex() throws IOException {
    write("model.safetensors", "a");
    write("one.safetensors", "b");
    index("{'b':'one.safetensors'}");
    try (ModelFiles files = ModelFiles.open(temp)) {
      assertThat(files.names()).containsExactly("a");
    }
  }
}
