package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.client.Quantization;
import org.edgefit.format.ModelConfig;
import org.edgefit.format.SafetensorsFile;
import org.edgefit.format.SafetensorsWriter;
import org.edgefit.format.StoredTensor;
import org.edgefit.format.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    Files.writeString(
        temp.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"model.norm.weight\":\"model-1.safetensors\",\""
            + bias.name()
            + "\":\"model-2.safetensors\"}}");
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
}
