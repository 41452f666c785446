package org.edgefit.examples.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.format.DamagedFile;
import org.edgefit.simulation.DeviceProfile;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ExperimentConfigTest {

  @TempDir Path temp;

  private ExperimentConfig read(String yaml) throws IOException {
    return ExperimentConfig.read(Files.writeString(temp.resolve("my.yaml"), yaml));
  }

  @Test
  void defaultsAreThePapers() throws IOException {
    ExperimentConfig config = read("data: {smart-home: {test: 10}}");
    assertThat(config.name()).isEqualTo("my");
    assertThat(config.partition()).isEqualTo(new ExperimentConfig.Partition(10, 0.5, 1, 0));
    assertThat(config.federated()).isEqualTo(new ExperimentConfig.Federated(50, 5, 0, 0.8));
    assertThat(config.training().epochs()).isEqualTo(3);
    assertThat(config.training().learningRate()).isEqualTo(2e-4);
    assertThat(config.lora().rank()).isEqualTo(16);
    assertThat(config.evaluation().scorings())
        .containsExactly(Scoring.GENERATION, Scoring.LIKELIHOOD_PER_TOKEN);
    // As many passes over the data as the federation makes: 50 x 3 x 5 / 10.
    assertThat(config.alone()).isEqualTo(new ExperimentConfig.Alone(75, 75, 8));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "federated: {round: 5}          | federated.round: not a setting (did you mean rounds?)",
        "federated: {clients-per-round: 11} | federated.clients-per-round: 11 (expected: at most 10, the clients)",
        "modles: [a]                    | modles: not a setting (did you mean models?)",
        "partition: {clients: none}     | partition.clients: \"none\" (expected: an integer >= 1)",
        "partition: {alpha: 0}          | partition.alpha: 0 (expected: a number >= 1.0E-6)",
        "procedures: [federate]         | (expected: one of [zero-shot, local-only, centralised,",
        "models: [null]                 | models: null (expected: texts)",
        "seeds: [one]                   | seeds: \"one\" (expected: integers)",
        "data: {dolly: {records: 3}}    | data.dolly.file: missing (expected: a text)",
        "lora: 4                        | lora: 4 (expected: keys and values)",
        "lora: {rank: 16, dropout: 1}   | my.yaml: lora.dropout: 1.0 (expected: in [0, 1))",
        "tiers: {hub: {device: pi}}     | tiers.hub.device: pi (expected: one of [a10,",
        "tiers: {hub: {memory-gb: 4}}   | tiers.hub.gflops: missing (expected: a number",
        "tiers: {hub: {device: a10, dropout: 2}} | tiers.hub.dropout: 2.0 (expected: 0 to 1)",
        "federated: {deadline: 5}       | federated.deadline: 5.0 (expected: 0 without tiers)",
        "training: {template: lama}     | training.template: \"lama\" (expected: one of [auto, ",
        "seeds: [1, 1]                  | seeds: [1, 1] (expected: none twice)",
        "tiers: {hub: {devise: a10}}    | tiers.hub.devise: not a setting (did you mean device?)",
        "data: {dolly: {fil: a}}        | data.dolly.fil: not a setting (did you mean file?)",
        "memory: {shapes: {llama-7b: 0}} | memory.shapes.model: llama-7b (expected:",
      })
  void mistakesAreToldByName(String yaml, String message) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void oneValueIsAListOfOne() throws IOException {
    assertThat(read("models: a").models()).containsExactly("a");
    assertThat(read("evaluation: {scorings: likelihood}").evaluation().scorings())
        .containsExactly(Scoring.LIKELIHOOD);
    assertThatThrownBy(() -> read("evaluation: {scorings: generations}"))
        .hasMessageContaining("evaluation.scorings: \"generations\" (expected: one of");
  }

  @Test
  void settingsStandBeforeTheFile() throws IOException {
    Path file = Files.writeString(temp.resolve("my.yaml"), "federated: {rounds: 9}");
    ExperimentConfig config =
        ExperimentConfig.read(
            file,
            Map.of("federated.rounds", "3", "training.learning-rate", "1e-3", "models", "[a, b]"));
    assertThat(config.federated().rounds()).isEqualTo(3);
    assertThat(config.training().learningRate()).isEqualTo(1e-3);
    assertThat(config.models()).containsExactly("a", "b");
    assertThatThrownBy(() -> ExperimentConfig.read(file, Map.of("federated.round", "3")))
        .hasMessageContaining("federated.round: not a setting (did you mean rounds?)");
    assertThatThrownBy(() -> ExperimentConfig.read(file, Map.of("models", "[")))
        .hasMessageContaining("models: [ (expected: a value as in YAML)");
  }

  @Test
  void devicesAreNamedOrOnesOwn() throws IOException {
    ExperimentConfig config =
        read(
            "tiers:\n  edge: {device: jetson-orin-nano, dropout: 0.1, models: [a]}\n"
                + "  mine: {memory-gb: 4, gflops: 20, down-mbit: 16, up-mbit: 8, latency-ms: 5}");
    ExperimentConfig.Tier edge = config.tiers().get(0);
    assertThat(edge.device())
        .isEqualTo(
            new DeviceProfile(
                "jetson-orin-nano", 7_000_000_000L, 3.3e12, 12.5e6, 5e6, 0.02, 0.1, 0.1));
    assertThat(edge.models()).containsExactly("a");
    assertThat(config.tiers().get(1).device())
        .isEqualTo(new DeviceProfile("own", 4_000_000_000L, 20e9, 2e6, 1e6, 0.005, 0, 0));
  }

  @Test
  void modelThatDoesNotFitATierIsRefused() throws IOException {
    ExperimentConfig config =
        read(
            "training: {batch: 4, max-length: 256}\ntiers:\n  edge: {device: a10}\n"
                + "  small: {device: jetson-orin-nano, memory-gb: 4, models: [random:llama-2-7b]}");
    assertThat(Tiers.of(config, "random:phi-3-mini", BaseModels.config("random:phi-3-mini")).fits())
        .hasSize(1);
    assertThatThrownBy(
            () -> Tiers.of(config, "random:llama-2-7b", BaseModels.config("random:llama-2-7b")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "tiers.small: random:llama-2-7b does not fit the 4.0 GB of its device")
        .hasMessageContaining("expected: at least");
    ExperimentConfig none = read("tiers: {edge: {device: a10, models: [another]}}");
    assertThatThrownBy(() -> Tiers.of(none, "tiny-home", BaseModels.config("tiny-home")))
        .hasMessage(
            "tiers: none of [edge] names tiny-home among its models (expected: at least one)");
  }

  @Test
  void fileThatIsNoMappingIsRefused() {
    assertThatThrownBy(() -> read("- a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("my.yaml");
    assertThatThrownBy(() -> read("a: ["))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("my.yaml");
  }

  static List<Path> shipped() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("experiments"))) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("shipped")
  void shippedFilesAreValid(Path file) throws IOException {
    assertThat(ExperimentConfig.read(file).models()).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name: x\\n\\tmodels: [a]   | line 2, column 1: not YAML: found character '\\t(TAB)'",
        "models: [a\\nseeds: [1]   | line 2, column 6: not YAML: expected ',' or ']'",
        "name: x\\nname: y         | line 2, column 1: name: duplicate",
        "name: x: y                | line 1, column 8: not YAML: mapping values are not allowed",
        "name: *a                  | line 1, column 7: not YAML: found undefined alias",
        "data: &d {a: 1}\\nlora: *d | line 1, column 7: an alias (expected: no aliases)",
        "partition: {alpha: .nan}  | .nan (expected: a number that is finite)",
        "name: !!java.net.URL [x]  | tag tag:yaml.org,2002:java.net.URL (expected: no tags)",
        "name: !mine x             | line 1, column 7: tag !mine (expected: no tags)",
        "name: a\\n---\\nname: b    | not YAML: found another document",
        "name: a\\nmodels: [\\x01]  | line 2: U+0001 (expected: YAML text)",
        "a: [[[[[[[[[[[[[[[[[[[[[[ | not YAML: Nesting Depth exceeded max 20",
        "? [a, b]\\n: c             | line 1, column 3: a non-string key",
        "- name                    | no keys and values (expected: a YAML mapping)",
      })
  void whatIsNoYamlOrAmbiguousIsRefusedByItsPlace(String yaml, String message) {
    String text = yaml.replace("\\n", "\n").replace("\\t", "\t").replace("\\x01", "\u0001");
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(temp.resolve("my.yaml") + ": ")
        .hasMessageContaining(message);
  }

  @TestFactory
  Stream<DynamicTest> damagedExperimentsAreReadRightOrRefusedInOurWords() {
    return Stream.of("scaled.yaml", "hwu64.yaml")
        .map(
            name ->
                new DamagedFile(
                    Path.of("experiments"), name, at -> ExperimentConfig.read(at.resolve(name))))
        .flatMap(kind -> kind.tests(temp));
  }
}
