package org.edgefit.format.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.edgefit.file.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What transformers reads where a {@code config.json} leaves a key out, by architecture. */
class HuggingFaceConfigTest {

  @TempDir private Path temp;

  /** Reads a config of so much, and some keys more. */
  private ModelConfig read(String modelType, String more) throws IOException {
    ObjectNode json =
        Json.parse(
            "{\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
                + "\"num_attention_heads\":32,\"vocab_size\":100}",
            "config");
    json.put("model_type", modelType);
    json.setAll(Json.parse("{" + more.replace('\'', '"') + "}", "more"));
    Files.writeString(temp.resolve("config.json"), json.toString());
    return ModelConfig.read(temp);
  }

  @ParameterizedTest
  @CsvSource({
    // key-value heads, positions, epsilon, window, fused
    "llama, 32, 2048, 1e-6, 0, false",
    "mistral, 8, 131072, 1e-6, 4096, false",
    "qwen2, 32, 32768, 1e-6, 0, false",
  })
  void absentKeysMeanWhatTheArchitectureSays(
      String type, int keyValueHeads, int positions, double epsilon, int window, boolean fused)
      throws IOException {
    ModelConfig config = read(type, "");
    assertThat(config.modelType()).isEqualTo(type);
    assertThat(config.keyValueHeads()).isEqualTo(keyValueHeads);
    assertThat(config.maxPositions()).isEqualTo(positions);
    assertThat(config.rmsNormEps()).isEqualTo(epsilon);
    assertThat(config.windows()).containsExactly(window, window);
    assertThat(config.fused()).isEqualTo(fused);
    assertThat(config.tiedEmbeddings()).isFalse();
    assertThat(config.headSize()).isEqualTo(2);
    assertThat(config.bosTokenId()).isEqualTo(-1);
    assertThat(config.eosTokenIds()).isEmpty();
    assertThat(config.rope()).isEqualTo(new RopeConfig(10_000, 2, new RopeConfig.Unscaled()));
  }

  @Test
  void phi3FusesItsLayersAndHasItsOwnDefaults() throws IOException {
    ModelConfig config = read("phi3", "'sliding_window':9");
    assertThat(config.fused()).isTrue();
    assertThat(config.rmsNormEps()).isEqualTo(1e-5);
    assertThat(config.maxPositions()).isEqualTo(4096);
    assertThat(config.windows()).containsExactly(9, 9);
    assertThat(config.linearLayers())
        .extracting(layer -> layer.target())
        .startsWith("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
        .hasSize(8);
    assertThat(config.attentionTargets()).containsExactly("qkv_proj", "o_proj");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "qwen2 | `` | k_proj q_proj v_proj",
        "llama | `` | ``",
        "llama | 'attention_bias':true | k_proj o_proj q_proj v_proj",
        "llama | 'mlp_bias':true | down_proj gate_proj up_proj",
        "mistral | 'attention_bias':true | ``",
      })
  void layersHaveTheBiasesOfTheirArchitecture(String type, String more, String biases)
      throws IOException {
    assertThat(read(type, more).biases())
        .containsExactlyInAnyOrderElementsOf(
            biases.isEmpty() ? List.of() : List.of(biases.split(" ", -1)));
  }

  @Test
  void biasesCountAmongTheParameters() throws IOException {
    long without = read("llama", "").parameters();
    // 32 heads of 2 in query, key and value, 64 outputs of the attention, in two layers
    assertThat(read("llama", "'attention_bias':true").parameters() - without)
        .isEqualTo(2 * (64 + 64 + 64 + 64));
    assertThat(without - read("llama", "'tie_word_embeddings':true").parameters())
        .isEqualTo(100 * 64);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'rope_scaling':{'type':'linear','factor':4} | Linear[factor=4.0]",
        "'rope_parameters':{'rope_type':'linear','factor':2,'rope_theta':7} | Linear[factor=2.0]",
        "'rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':1,"
            + "'high_freq_factor':4,'original_max_position_embeddings':8192}"
            + " | Llama3[factor=8.0, lowFrequencyFactor=1.0, highFrequencyFactor=4.0,"
            + " originalPositions=8192.0]",
        "'rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':1,"
            + "'high_freq_factor':4},'max_position_embeddings':99"
            + " | Llama3[factor=8.0, lowFrequencyFactor=1.0, highFrequencyFactor=4.0,"
            + " originalPositions=99.0]",
        "'rope_scaling':{},'rope_parameters':{'rope_type':'linear','factor':3}"
            + " | Linear[factor=3.0]",
      })
  void scalingOfRopeIsRead(String more, String scaling) throws IOException {
    assertThat(read("llama", more).rope().scaling()).hasToString(scaling);
  }

  @Test
  void longRopeDerivesWhatTheFileLeavesOut() throws IOException {
    String factors = "'short_factor':[1],'long_factor':[2]";
    ModelConfig config =
        read(
            "phi3",
            "'sliding_window':9,'max_position_embeddings':16384,"
                + "'rope_scaling':{'type':'longrope',"
                + factors
                + "}");
    RopeConfig.LongRope rope = (RopeConfig.LongRope) config.rope().scaling();
    assertThat(rope.originalPositions()).isEqualTo(4096);
    // the factor is 16384 / 4096; Ding et al. 2024, section 3.3
    assertThat(rope.attentionFactor())
        .isCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(4096)), within(1e-12));
    RopeConfig.LongRope own =
        (RopeConfig.LongRope)
            read(
                    "phi3",
                    "'sliding_window':9,'original_max_position_embeddings':2048,"
                        + "'rope_scaling':{'type':'su','factor':0.5,'attention_factor':1.5,"
                        + factors
                        + "}")
                .rope()
                .scaling();
    assertThat(own.originalPositions()).isEqualTo(2048);
    assertThat(own.attentionFactor()).isEqualTo(1.5);
    RopeConfig.LongRope shrunk =
        (RopeConfig.LongRope)
            read(
                    "phi3",
                    "'sliding_window':9,'rope_scaling':{'type':'su','factor':0.5," + factors + "}")
                .rope()
                .scaling();
    assertThat(shrunk.attentionFactor()).isEqualTo(1);
  }

  @Test
  void partOfAPhiHeadIsRotated() throws IOException {
    ModelConfig config =
        read("phi3", "'sliding_window':9,'head_dim':8,'partial_rotary_factor':0.5");
    assertThat(config.rope().dimensions()).isEqualTo(4);
    assertThat(read("llama", "'head_dim':8,'partial_rotary_factor':0.5").rope().dimensions())
        .isEqualTo(8);
  }

  @Test
  void windowsOfQwenBeginAboveItsFirstLayers() throws IOException {
    String on = "'use_sliding_window':true,'sliding_window':7";
    assertThat(read("qwen2", on).windows()).containsExactly(0, 0); // its first 28 see all
    assertThat(read("qwen2", on + ",'max_window_layers':1").windows()).containsExactly(0, 7);
    assertThat(read("qwen2", on + ",'max_window_layers':0").windows()).containsExactly(7, 7);
    assertThat(read("qwen2", "'sliding_window':7,'max_window_layers':0").windows())
        .containsExactly(0, 0);
    assertThat(
            read("qwen2", on + ",'layer_types':['sliding_attention','full_attention']").windows())
        .containsExactly(7, 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "llama | 'num_hidden_layers':4097" + " | num_hidden_layers: 4097 (expected: 1 to 4096)",
        "llama | 'hidden_size':2147483648"
            + " | hidden_size: 2147483648 (expected: an integer >= 1)",
        "llama | 'hidden_size':1.5 | hidden_size: 1.5 (expected: an integer >= 1)",
        "llama | 'head_dim':0 | head_dim: 0 (expected: an integer >= 1)",
        "llama | 'rope_theta':-1 | rope_theta: -1 (expected: a number > 0)",
        "llama | 'rope_theta':'x' | rope_theta: \"x\" (expected: a number > 0)",
        "llama | 'rope_scaling':{'type':'linear'}"
            + " | rope_scaling: {\"type\":\"linear\"} (expected: with the key factor)",
        "phi3 | 'sliding_window':9,'rope_scaling':{'type':'longrope','short_factor':[1]}"
            + " | rope_scaling: {\"type\":\"longrope\",\"short_factor\":[1]}"
            + " (expected: with the key long_factor, a list of numbers > 0)",
        "phi3 | 'sliding_window':9,'rope_scaling':{'type':'longrope','short_factor':[0],"
            + "'long_factor':[1]} | rope_scaling: {\"type\":\"longrope\",\"short_factor\":[0],"
            + "\"long_factor\":[1]} (expected: with the key short_factor, a list of numbers > 0)",
        "phi3 | 'sliding_window':9,'rope_scaling':{'type':'linear','factor':2}"
            + " | rope_scaling: {\"type\":\"linear\",\"factor\":2} (expected: rope_type one of"
            + " default, longrope)",
        "mistral | 'layer_types':['full_attention','other']"
            + " | layer_types: [\"full_attention\",\"other\"] (expected: full_attention and"
            + " sliding_attention)",
        "qwen2 | 'max_window_layers':-1" + " | max_window_layers: -1 (expected: an integer >= 0)",
        "llama | 'num_key_value_heads':5"
            + " | num_key_value_heads: 5 (expected: a divisor of num_attention_heads, 32)",
        "llama | 'rms_norm_eps':0 | rms_norm_eps: 0 (expected: a number > 0)",
      })
  void valueThatCannotBeRightIsNamed(String type, String more, String message) {
    assertThatThrownBy(() -> read(type, more))
        .isInstanceOf(IOException.class)
        .hasMessage(temp.resolve("config.json") + ": " + message);
  }

  @Test
  void sizesThatAreMissingAreNamed() throws IOException {
    for (String key :
        List.of(
            "num_attention_heads",
            "hidden_size",
            "num_hidden_layers",
            "intermediate_size",
            "vocab_size")) {
      String all =
          "{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,"
              + "\"num_hidden_layers\":2,\"num_attention_heads\":32,\"vocab_size\":100}";
      Files.writeString(
          temp.resolve("config.json"),
          all.replaceFirst("\"" + key + "\":[0-9]+,?", "").replace(",}", "}"));
      assertThatThrownBy(() -> ModelConfig.read(temp))
          .hasMessage(
              temp.resolve("config.json") + ": " + key + ": missing (expected: an integer >= 1)");
    }
  }

  @Test
  void modelsByNameHaveTheirPublishedSizes() {
    assertThat(ModelConfig.shape("smollm2-135m").parameters()).isEqualTo(134_515_008L);
    assertThat(ModelConfig.shape("smollm2-360m").parameters()).isEqualTo(361_821_120L);
    assertThat(ModelConfig.shape("llama-2-7b").parameters()).isEqualTo(6_738_415_616L);
    assertThat(ModelConfig.shape("phi-3-mini").parameters()).isEqualTo(3_821_079_552L);
    assertThatThrownBy(() -> ModelConfig.shape("gpt-5"))
        .hasMessageStartingWith("model: gpt-5 (expected: a directory with config.json, or one of");
  }

  @Test
  void sequenceLongerThanTheModelWasMadeForIsRefused() {
    ModelConfig llama = ModelConfig.shape("llama-2-7b");
    llama.requireLength(4096);
    assertThatThrownBy(() -> llama.requireLength(4097))
        .hasMessage(
            "maxLength: 4097 (expected: at most 4096, the model's max_position_embeddings)");
  }

  @Test
  void shapeMustFitItself() {
    ModelConfig llama = ModelConfig.shape("llama-2-7b");
    assertThatThrownBy(() -> withWindows(llama, Collections.nCopies(3, 0), llama.rope()))
        .hasMessage("windows: 3 (expected: one for each of 32 layers)");
    RopeConfig wide = new RopeConfig(10_000, 130, new RopeConfig.Unscaled());
    assertThatThrownBy(() -> withWindows(llama, llama.windows(), wide))
        .hasMessage("rotary dimensions: 130 (expected: at most 128)");
    assertThat(llama.attentionWidth()).isEqualTo(3 * 4096);
    assertThat(ModelConfig.shape("smollm2-135m").attentionWidth()).isEqualTo((9 + 6) * 64);
  }

  private static ModelConfig withWindows(ModelConfig of, List<Integer> windows, RopeConfig rope) {
    return new ModelConfig(
        of.modelType(),
        of.hiddenSize(),
        of.intermediateSize(),
        of.layers(),
        of.heads(),
        of.keyValueHeads(),
        of.headSize(),
        of.vocabularySize(),
        of.rmsNormEps(),
        rope,
        windows,
        of.fused(),
        of.biases(),
        of.maxPositions(),
        of.tiedEmbeddings(),
        of.bosTokenId(),
        of.eosTokenIds());
  }
}
