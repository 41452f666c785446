package org.edgefit.format.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.edgefit.file.Json;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {

  private static final String LLAMA =
      "{'model_type':'llama','hidden_size':8,'intermediate_size':16,'num_hidden_layers':2,"
          + "'num_attention_heads':4,'num_key_value_heads':2,'vocab_size':10,"
          + "'rms_norm_eps':1e-5,'eos_token_id':[2,3]}";

  @TempDir Path temp;

  private Path write(String key, String value) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(LLAMA.replace('\'', '"'));
    if (!key.isEmpty()) {
      json.set(key, mapper.readTree(value.replace('\'', '"')));
    }
    Files.writeString(temp.resolve("config.json"), json.toString());
    return temp;
  }

  @Test
  void shapeAndLayersAreRead() throws IOException {
    ModelConfig config = ModelConfig.read(write("", ""));
    assertThat(config.headSize()).isEqualTo(2);
    assertThat(config.eosTokenIds()).containsExactlyInAnyOrder(2, 3);
    assertThat(config.linearLayers()).hasSize(14);
    assertThat(config.linearLayers().get(8).name()).isEqualTo("model.layers.1.self_attn.k_proj");
    assertThat(config.linearLayers().get(8).outputs()).isEqualTo(4);
    // embeddings and head 2 x 80, norms 5 x 8, layers 2 x (64 + 32 + 32 + 64 + 3 x 128)
    assertThat(config.parameters()).isEqualTo(160 + 40 + 2 * 576);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "rope_theta | 500000 | 500000",
        "rope_parameters | {'rope_theta': 20000, 'rope_type': 'default'} | 20000",
        "rope_scaling | null | 10000",
      })
  void bothSpellingsOfRopeAreRead(String key, String value, double theta) throws IOException {
    assertThat(ModelConfig.read(write(key, value)).rope().theta()).isEqualTo(theta);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "model_type | 'mamba'",
        "hidden_act | 'gelu'",
        "is_causal | false",
        "rope_scaling | {'type': 'yarn', 'factor': 2}",
        "rope_parameters | {'rope_type': 'llama3'}",
        "rope_parameters | {'rope_type': 'dynamic', 'factor': 2}",
        "per_layer_config | {'0': {'hidden_size': 4}}",
        "num_hidden_layers | 0",
        "vocab_size | 'many'",
        "num_key_value_heads | 3",
        "tie_word_embeddings | 'false'",
        "tie_word_embeddings | null",
        "attention_bias | 1",
        "rms_norm_eps | null",
        "rope_scaling | 'linear'",
        "eos_token_id | '2'",
        "eos_token_id | [2, '3']",
        "bos_token_id | 'x'",
        "quantization_config | {'quant_method': 'gptq', 'bits': 4}",
        "quantization_config | {'quant_method': 'bitsandbytes', 'load_in_8bit': true}",
      })
  void whatIsNotSupportedIsRefusedByKey(String key, String value) throws IOException {
    Path directory = write(key, value);
    assertThatThrownBy(() -> ModelConfig.read(directory))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("config.json: " + key);
  }

  private void writeTensors(Path file, List<String> names) throws IOException {
    List<StoredTensor> tensors =
        names.stream().map(name -> new StoredTensor(name, TensorType.F32, List.of(1L))).toList();
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, tensors, Map.of())) {
      for (String name : names) {
        writer.write(name, FloatBuffer.wrap(new float[] {name.hashCode()}));
      }
      writer.finish();
    }
  }

  @Test
  void contentHashIsTheSameForShards() throws IOException {
    Path single = Files.createDirectories(temp.resolve("single"));
    Path sharded = Files.createDirectories(temp.resolve("sharded"));
    Path config = write("", "").resolve("config.json");
    Files.copy(config, single.resolve("config.json"));
    write("use_cache", "true");
    Files.copy(config, sharded.resolve("config.json"));
    writeTensors(single.resolve("model.safetensors"), List.of("c", "a", "b"));
    writeTensors(sharded.resolve("model-1.safetensors"), List.of("b"));
    writeTensors(sharded.resolve("model-2.safetensors"), List.of("a", "c"));
    Files.writeString(
        sharded.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"model-2.safetensors\",\"b\":\"model-1.safetensors\","
            + "\"c\":\"model-2.safetensors\"}}");
    String hash = ModelFiles.contentHash(single);
    assertThat(ModelFiles.contentHash(sharded)).isEqualTo(hash);

    Path file = single.resolve("model.safetensors");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    bytes.put(bytes.capacity() - 1, (byte) (bytes.get(bytes.capacity() - 1) ^ 1));
    Files.write(file, bytes.array());
    assertThat(ModelFiles.contentHash(single)).isNotEqualTo(hash);
  }

  @Test
  void indexThatLeavesTheDirectoryIsRefused() throws IOException {
    Files.writeString(
        temp.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"../secret.safetensors\"}}");
    assertThatThrownBy(() -> ModelFiles.open(temp)).hasMessageContaining("a file's name");
  }

  @Test
  void commaBeforeTheClosingBracketIsSaid() throws IOException {
    Files.writeString(temp.resolve("config.json"), "{\n  \"model_type\": \"llama\",\n}\n");
    assertThatThrownBy(() -> ModelConfig.read(temp))
        .hasMessageContaining("config.json, line 3, column 1: a comma before the closing bracket");
  }

  @Test
  void answersEndWhereTheGenerationsConfigSays() throws IOException {
    Path directory = write("", "");
    Path file = directory.resolve("generation_config.json");
    Files.writeString(file, "{\"eos_token_id\": [5, 7]}");
    assertThat(ModelConfig.read(directory).eosTokenIds()).containsExactlyInAnyOrder(5, 7);
    Files.writeString(file, "{\"temperature\": 0.6}");
    assertThat(ModelConfig.read(directory).eosTokenIds()).containsExactlyInAnyOrder(2, 3);
    Files.writeString(file, "{\"eos_token_id\": \"5\"}");
    assertThatThrownBy(() -> ModelConfig.read(directory))
        .hasMessageContaining("generation_config.json: eos_token_id: \"5\"");
  }

  private ModelConfig windowed(String modelType, String more) throws IOException {
    ObjectNode json = Json.parse(LLAMA.replace('\'', '"'), "config");
    json.put("model_type", modelType).put("sliding_window", 4);
    json.setAll(Json.parse(more.replace('\'', '"'), "more"));
    Files.writeString(temp.resolve("config.json"), json.toString());
    return ModelConfig.read(temp);
  }

  @Test
  void windowsAreThoseOfTransformers() throws IOException {
    String full = "'layer_types': ['full_attention', 'full_attention']";
    assertThat(windowed("phi3", "{" + full + "}").windows()).containsExactly(4, 4);
    assertThat(windowed("mistral", "{" + full + "}").windows()).containsExactly(0, 0);
    assertThatThrownBy(() -> windowed("mistral", "{'layer_types': ['full_attention']}"))
        .hasMessageContaining("layer_types")
        .hasMessageContaining("as many as num_hidden_layers, 2");
    assertThatThrownBy(
            () ->
                windowed(
                    "qwen2",
                    "{'use_sliding_window': false,"
                        + " 'layer_types': ['full_attention', 'sliding_attention']}"))
        .hasMessageContaining("use_sliding_window is off");
  }

  @Test
  void whatIsNoModelIsSaid() throws IOException {
    assertThatThrownBy(() -> ModelConfig.read(temp.resolve("none")))
        .hasMessage(temp.resolve("none") + ": not found (expected: a model directory)");
    Files.writeString(temp.resolve("adapter_config.json"), "{}");
    assertThatThrownBy(() -> ModelConfig.read(temp))
        .hasMessage(temp + ": an adapter (expected: a model)");
  }
}
