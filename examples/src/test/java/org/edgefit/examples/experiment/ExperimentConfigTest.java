package org.edgefit.examples.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.edgefit.client.qlora.Scoring;
import org.junit.jupiter.api.Test;
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
    assertThat(config.partition()).isEqualTo(new ExperimentConfig.Partition(10, 0.5, 1));
    assertThat(config.federated()).isEqualTo(new ExperimentConfig.Federated(50, 5));
    assertThat(config.training().epochs()).isEqualTo(3);
    assertThat(config.training().learningRate()).isEqualTo(2e-4);
    assertThat(config.lora().rank()).isEqualTo(16);
    assertThat(config.evaluation().scorings())
        .containsExactly(Scoring.GENERATION, Scoring.LIKELIHOOD_PER_TOKEN);
    // As many passes over the data as the federation makes: 50 x 3 x 5 / 10.
    assertThat(config.alone()).isEqualTo(new ExperimentConfig.Alone(75, 75));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "federated: {round: 5}          | federated.round: not a setting (did you mean rounds?)",
        "federated: {clients-per-round: 11} | federated.clients-per-round: 11 (expected: at most 10, the clients)",
        "modles: [a]                    | modles: not a setting (did you mean models?)",
        "partition: {clients: none}     | partition.clients: \"none\" (expected: a whole number >= 1)",
        "partition: {alpha: 0}          | partition.alpha: 0 (expected: a number >= 1.0E-6)",
        "procedures: [federate]         | (expected: one of [zero-shot, local-only, centralised,",
        "seeds: [one]                   | seeds: \"one\" (expected: whole numbers)",
        "data: {dolly: {records: 3}}    | data.dolly.file: missing (expected: a text)",
        "lora: 4                        | lora: 4 (expected: keys and values)",
        "lora: {rank: 16, dropout: 1}   | dropout: 1.0 (expected: in [0, 1))",
      })
  void mistakesAreToldByName(String yaml, String message) {
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
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
}
