package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.client.Quantization;
import org.edgefit.client.qlora.Logits;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BaseModelTest {

  private static final Path MODEL = Path.of("src/test/resources/hf-fixtures/tiny-llama");
  private static final Path QUANTIZED = Path.of("src/test/resources/hf-fixtures/tiny-llama-bnb4");

  @TempDir Path temp;

  private interface Change {
    StoredTensor of(StoredTensor tensor);
  }

  /** Copies a model with some of its tensors renamed, typed otherwise, or left out (null). */
  private Path changed(Path model, Change change) throws IOException {
    Files.copy(model.resolve(ModelConfig.FILE), temp.resolve(ModelConfig.FILE));
    try (SafetensorsFile source = SafetensorsFile.open(model.resolve("model.safetensors"))) {
      List<StoredTensor> tensors = new ArrayList<>();
      List<ByteBuffer> bytes = new ArrayList<>();
      for (StoredTensor tensor : source.tensors()) {
        StoredTensor other = change.of(tensor);
        if (other != null) {
          tensors.add(other);
          bytes.add(source.read(tensor.name()));
        }
      }
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(temp.resolve("model.safetensors"), tensors, Map.of())) {
        for (int i = 0; i < tensors.size(); i++) {
          writer.write(tensors.get(i).name(), bytes.get(i));
        }
        writer.finish();
      }
    }
    return temp;
  }

  private void assertRefused(Path directory, String... texts) {
    assertThatThrownBy(() -> BaseModel.load(directory, Quantization.NF4))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(texts);
  }

  @Test
  void missingTensorIsNamed() throws IOException {
    Path directory =
        changed(MODEL, tensor -> tensor.name().equals("model.norm.weight") ? null : tensor);
    assertRefused(directory, "model.norm.weight: no such tensor");
  }

  @Test
  void tensorOfAnotherShapeIsNamed() throws IOException {
    Path directory =
        changed(
            MODEL,
            tensor ->
                tensor.name().endsWith("k_proj.weight")
                    ? new StoredTensor(tensor.name(), tensor.type(), List.of(64L, 32L))
                    : tensor);
    assertRefused(directory, "k_proj.weight: shape [64, 32] (expected: [32, 64]");
  }

  @Test
  void stateWithoutItsScalesIsNamed() throws IOException {
    Path directory =
        changed(
            QUANTIZED,
            tensor ->
                tensor.name().endsWith("q_proj.weight.absmax")
                    ? new StoredTensor(tensor.name() + "2", tensor.type(), tensor.shape())
                    : tensor);
    assertRefused(directory, "q_proj.weight.absmax: no such tensor");
  }

  @Test
  void tensorThatNothingReadsIsNamed() throws IOException {
    Files.copy(MODEL.resolve(ModelConfig.FILE), temp.resolve(ModelConfig.FILE));
    Files.copy(MODEL.resolve("model.safetensors"), temp.resolve("model-1.safetensors"));
    StoredTensor bias =
        new StoredTensor("model.layers.0.self_attn.q_proj.bias", TensorType.U8, List.of(1L));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(temp.resolve("model-2.safetensors"), List.of(bias), Map.of())) {
      writer.write(bias.name(), ByteBuffer.allocate(1));
      writer.finish();
    }
    Map<String, String> map = new TreeMap<>(Map.of(bias.name(), "model-2.safetensors"));
    try (SafetensorsFile source = SafetensorsFile.open(temp.resolve("model-1.safetensors"))) {
      source.tensors().forEach(tensor -> map.put(tensor.name(), "model-1.safetensors"));
    }
    Files.writeString(
        temp.resolve("model.safetensors.index.json"), Json.line(Map.of("weight_map", map)));
    assertRefused(temp, "q_proj.bias: not a tensor of a llama model");
  }

  @Test
  void otherFourBitTypeIsRefused() throws IOException {
    Path directory =
        changed(
            QUANTIZED,
            tensor ->
                new StoredTensor(
                    tensor.name().replace("bitsandbytes__nf4", "bitsandbytes__fp4"),
                    tensor.type(),
                    tensor.shape()));
    assertRefused(directory, "bitsandbytes__fp4", "expected", "bitsandbytes__nf4");
  }

  @Test
  void eightBitCheckpointIsRefused() throws IOException {
    Path directory =
        changed(
            QUANTIZED,
            tensor ->
                tensor.name().contains("quant_state")
                    ? null
                    : tensor.type() == TensorType.U8 && tensor.name().endsWith(".weight")
                        ? new StoredTensor(tensor.name(), TensorType.I8, tensor.shape())
                        : tensor);
    assertRefused(directory, "8-bit weights");
  }

  @Test
  void directoryWithoutWeightsIsNamed() throws IOException {
    Files.copy(MODEL.resolve(ModelConfig.FILE), temp.resolve(ModelConfig.FILE));
    assertRefused(temp, "no weights", "model.safetensors");
  }

  /** Copies a model, with one value of a tensor that is no number. */
  private Path notFinite(String name, int index, float value) throws IOException {
    return notFinite(MODEL, name, index, value);
  }

  private Path notFinite(Path from, String name, int index, float value) throws IOException {
    Path model = changed(from, tensor -> tensor);
    Path file = model.resolve("model.safetensors");
    long at;
    TensorType type;
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      type = source.tensor(name).type();
      byte[] all = Files.readAllBytes(file);
      ByteBuffer values = source.read(name);
      byte[] tensor = new byte[values.remaining()];
      values.get(tensor);
      at = Bytes.indexOf(all, tensor) + (long) index * type.bytes();
    }
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(at);
      int bits = Float.floatToIntBits(value);
      ByteBuffer one = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bits);
      out.write(one.array(), 4 - type.bytes(), type.bytes()); // bfloat16 is the upper half
    }
    return model;
  }

  /** Where bytes are in others. */
  private static final class Bytes {
    static int indexOf(byte[] all, byte[] part) {
      for (int i = 0; i + part.length <= all.length; i++) {
        if (Arrays.equals(all, i, i + part.length, part, 0, part.length)) {
          return i;
        }
      }
      throw new AssertionError("not there");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.0.mlp.up_proj.weight",
        "model.embed_tokens.weight",
        "lm_head.weight"
      })
  void weightThatIsNoNumberIsRefusedByTensorAndIndex(String name) throws IOException {
    Path model = notFinite(name, 7, Float.NaN);
    String where = name + "[7]: NaN (expected: a finite number)";
    assertRefused(model, where);
    assertThatThrownBy(() -> BaseModel.load(model, Quantization.NONE)).hasMessageContaining(where);
    Path out = temp.resolve("out");
    assertThatThrownBy(() -> ModelQuantizer.quantize(model, out, (tensor, done) -> {}))
        .hasMessageContaining(where);
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"BF16", "F16", "F32"})
  void packedCodesMayBeStoredAsAnotherType(TensorType type) throws IOException {
    Path model =
        changed(
            QUANTIZED,
            tensor -> {
              boolean isPacked =
                  tensor.name().endsWith("proj.weight") && tensor.type() == TensorType.U8;
              long values = tensor.elements() / type.bytes();
              return isPacked ? new StoredTensor(tensor.name(), type, List.of(values, 1L)) : tensor;
            });
    int[] ids = {1, 5, 9, 2};
    try (BaseModel plain = BaseModel.load(QUANTIZED, Quantization.NF4);
        BaseModel other = BaseModel.load(model, Quantization.NF4)) {
      assertThat(Logits.compute(other, null, ids)).isEqualTo(Logits.compute(plain, null, ids));
    }
  }

  private Path sharded(Map<String, String> map) throws IOException {
    Files.copy(MODEL.resolve(ModelConfig.FILE), temp.resolve(ModelConfig.FILE));
    try (SafetensorsFile source = SafetensorsFile.open(MODEL.resolve("model.safetensors"))) {
      for (String part : List.of("a.safetensors", "b.safetensors")) {
        List<StoredTensor> tensors =
            source.tensors().stream()
                .filter(tensor -> tensor.name().contains("mlp") == part.startsWith("b"))
                .toList();
        tensors.forEach(tensor -> map.putIfAbsent(tensor.name(), part));
        try (SafetensorsWriter writer =
            SafetensorsWriter.create(temp.resolve(part), tensors, Map.of())) {
          for (StoredTensor tensor : tensors) {
            writer.write(tensor.name(), source.read(tensor.name()));
          }
          writer.finish();
        }
      }
    }
    map.values().removeIf(String::isEmpty);
    Files.writeString(
        temp.resolve("model.safetensors.index.json"), Json.line(Map.of("weight_map", map)));
    return temp;
  }

  @Test
  void indexIsHeldToItsFiles() throws IOException {
    String name = "model.norm.weight";
    Map<String, String> wrong = new TreeMap<>(Map.of(name, "b.safetensors"));
    assertRefused(
        sharded(wrong), "index.json: " + name + ": b.safetensors (expected: a.safetensors, which");
  }

  @Test
  void tensorThatTheIndexDoesNotHaveIsRefused() throws IOException {
    String name = "model.norm.weight";
    assertRefused(
        sharded(new TreeMap<>(Map.of(name, ""))), "a.safetensors: " + name + ": not in model");
  }

  @Test
  void singleFileBesideShardsIsTakenAsTransformersTakesIt() throws IOException {
    Path model = sharded(new TreeMap<>());
    try (ModelFiles files = ModelFiles.open(model)) {
      assertThat(files.file("model.norm.weight").path()).hasFileName("a.safetensors");
    }
    Files.copy(MODEL.resolve("model.safetensors"), model.resolve("model.safetensors"));
    try (ModelFiles files = ModelFiles.open(model)) {
      assertThat(files.file("model.norm.weight").path()).hasFileName("model.safetensors");
    }
  }

  @Test
  void scaleThatIsNoNumberIsRefusedByTensorAndIndex() throws IOException {
    String name = "model.layers.0.mlp.up_proj.weight.nested_absmax";
    Path model = notFinite(QUANTIZED, name, 0, Float.NaN);
    assertRefused(model, name + "[0]: NaN (expected: a finite number)");
  }
}
