package org.edgefit.format.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeftAdapterTest {

  private static final List<LinearSpec> LAYERS =
      List.of(
          new LinearSpec("model.layers.0.self_attn.q_proj", 6, 4),
          new LinearSpec("model.layers.0.self_attn.v_proj", 6, 2));

  @TempDir Path temp;
  private Adapter adapter;

  @BeforeEach
  void write() throws IOException {
    LoraConfig config = new LoraConfig(2, 8, 0.05, List.of("q_proj", "v_proj"));
    adapter = Adapter.initial(config, LAYERS, new Seed(3));
    PeftAdapter.write(adapter, temp, "base");
  }

  private void set(String key, String json) throws IOException {
    Path file = temp.resolve("adapter_config.json");
    ObjectNode config = Json.read(file);
    config.set(key, new ObjectMapper().readTree(json.replace('\'', '"')));
    Files.writeString(file, config.toString());
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Adapter read = PeftAdapter.read(temp);
    assertThat(read.config()).isEqualTo(adapter.config());
    assertThat(read.layout()).isEqualTo(adapter.layout());
    for (int t = 0; t < 4; t++) {
      assertThat(read.tensor(t)).isEqualTo(adapter.tensor(t));
    }
  }

  @Test
  void sameAdapterGivesTheSameBytes() throws IOException {
    String first = Sha256.of(temp.resolve(PeftAdapter.WEIGHTS));
    PeftAdapter.write(PeftAdapter.read(temp), temp.resolve("again"), "other");
    assertThat(Sha256.of(temp.resolve("again").resolve(PeftAdapter.WEIGHTS))).isEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "use_dora | true",
        "modules_to_save | ['lm_head']",
        "bias | 'all'",
        "lora_bias | true",
        "rank_pattern | {'q_proj': 4}",
        "alpha_pattern | {'q_proj': 4}",
        "init_lora_weights | 'pissa'",
        "fan_in_fan_out | true",
        "layer_replication | [[0, 1]]",
        "trainable_token_indices | [1]",
        "target_parameters | ['x']",
        "a_key_of_the_future | 'on'",
        "peft_type | 'LOHA'",
        "task_type | 'SEQ_CLS'",
        "target_modules | []",
        "target_modules | '*'",
        "target_modules | [3]",
        "layers_to_transform | ['0']",
        "r | 0.5",
        "lora_alpha | 'x'",
      })
  void whatIsNotImplementedIsRefusedByKey(String key, String value) throws IOException {
    set(key, value);
    assertThatThrownBy(() -> PeftAdapter.read(temp))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("adapter_config.json: " + key + ": ");
  }

  @Test
  void rankThatIsNotTheTensorsIsRefused() throws IOException {
    set("r", "3");
    assertThatThrownBy(() -> PeftAdapter.read(temp))
        .hasMessageContaining("q_proj.lora_A.weight")
        .hasMessageContaining("rank 3");
  }

  @Test
  void tensorThatIsNotTargetedIsRefused() throws IOException {
    set("target_modules", "['q_proj']");
    assertThatThrownBy(() -> PeftAdapter.read(temp))
        .hasMessageContaining("v_proj.lora_A.weight")
        .hasMessageContaining("[q_proj]");
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> PeftAdapter.read(temp.resolve("nowhere")))
        .hasMessageContaining("nowhere")
        .hasMessageContaining("not found");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "target_modules | 'all-linear'",
        "target_modules | '.*\\\\.[qv]_proj'",
        "target_modules | ['self_attn.q_proj', 'model.layers.0.self_attn.v_proj']",
        "layers_to_transform | [0]",
        "layers_to_transform | 0",
        "exclude_modules | ['k_proj']",
        "exclude_modules | '.*mlp.*'",
      })
  void layersAreChosenInPeftsWays(String key, String value) throws IOException {
    set(key, value);
    if (key.equals("layers_to_transform")) {
      set("layers_pattern", "'layers'");
    }
    Adapter read = PeftAdapter.read(temp);
    assertThat(read.layout()).isEqualTo(adapter.layout());
    assertThat(AdapterLayout.of(read.config(), LAYERS)).isEqualTo(adapter.layout());
    PeftAdapter.write(read, temp.resolve("again"), "base");
    assertThat(PeftAdapter.read(temp.resolve("again")).config()).isEqualTo(read.config());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "target_modules | '.*v_proj' | q_proj.lora_A.weight: not a layer that adapter_config.json",
        "target_modules | ['q_proj', 'v_proj', 'k_proj'] | no tensor of k_proj",
        "layers_to_transform | [1] | q_proj.lora_A.weight: not a layer that adapter_config.json",
        "layers_to_transform | [0, 2] | no tensor of block 2",
        "exclude_modules | ['v_proj'] | v_proj.lora_A.weight: not a layer that adapter_config.json",
      })
  void tensorsAreHeldToTheConfiguration(String key, String value, String message)
      throws IOException {
    set(key, value);
    assertThatThrownBy(() -> PeftAdapter.read(temp))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  @Test
  void adapterOfAnotherModelIsNamedWithTheFirstTensorThatDiffers() throws IOException {
    assertThat(PeftAdapter.read(temp, LAYERS).layout()).isEqualTo(adapter.layout());
    List<LinearSpec> wider =
        List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 8, 4), LAYERS.get(1));
    assertThatThrownBy(() -> PeftAdapter.read(temp, wider))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(temp + ": not an adapter of this model: ")
        .hasMessageContaining("q_proj.lora_A.weight: shape [2, 6] (expected: [2, 8])");
  }

  @Test
  void targetThatIsExcludedNeedsNoTensor() throws IOException {
    set("target_modules", "['q_proj', 'v_proj', 'o_proj']");
    set("exclude_modules", "['o_proj']");
    assertThat(PeftAdapter.read(temp).layout()).isEqualTo(adapter.layout());
  }

  @Test
  void pythonsNamedGroupsAreRead() throws IOException {
    set("target_modules", "'(?P<a>.*)\\\\.(?:q|v)_proj'");
    assertThat(PeftAdapter.read(temp).layout()).isEqualTo(adapter.layout());
  }
}
