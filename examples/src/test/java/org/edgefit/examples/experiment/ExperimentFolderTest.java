package org.edgefit.examples.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.edgefit.client.engine.ComputeType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExperimentFolderTest {

  private static final String MODEL = "tiny-home";

  @TempDir Path temp;

  private void open(String yaml) throws IOException {
    ExperimentConfig config =
        ExperimentConfig.read(Files.writeString(temp.resolve("my.yaml"), yaml));
    ExperimentFolder.open(temp.resolve("run"), config).close();
  }

  private Path leave(String name) throws IOException {
    Path file = temp.resolve("run").resolve(name);
    Files.createDirectories(file.resolveSibling("."));
    return Files.writeString(file, "{}");
  }

  @Test
  void folderWithoutResultsTakesAnyConfiguration() throws IOException {
    open("federated: {rounds: 3}");
    leave("seed-1/training.jsonl");
    leave("seed-1/tiny-home/zero-shot.json.part");
    open("federated: {rounds: 4}\ndata: {smart-home: {events: 7}}");
    assertThat(temp.resolve("run/config.json")).content().contains("\"rounds\" : 4");
  }

  /** What a teacher wrote stays of use when only the training changes. */
  @Test
  void writtenRecordsHoldTheDataAlone() throws IOException {
    open("data: {smart-home: {}}\ntraining: {max-length: 64}");
    leave("seed-1/" + ExperimentFolder.JOURNAL);
    open("data: {smart-home: {}}\ntraining: {max-length: 128}\npartition: {minimum: 2}");
    assertThatThrownBy(() -> open("data: {smart-home: {}, self-instruct: {teacher: other}}"))
        .hasMessageContaining("data.selfInstruct.teacher: \"tiny-home\" there, \"other\" here");
    assertThatThrownBy(() -> open("data: {smart-home: {test: 21}}"))
        .hasMessageContaining("data.smartHome.test: 301 there, 21 here");
    assertThat(temp.resolve("run/config.json")).content().contains("\"maxLength\" : 128");
  }

  @Test
  void resultsHoldAllButThreadsAndClientsAtATime() throws IOException {
    open("machine: {threads: 1, compute: bfloat16}");
    ExperimentConfig config = ExperimentConfig.read(temp.resolve("my.yaml"));
    try (ExperimentFolder folder = ExperimentFolder.open(temp.resolve("run"), config)) {
      folder.saveCompute(1, MODEL, ComputeType.BFLOAT16);
      assertThat(folder.hasResults()).isFalse();
      assertThat(folder.computeOfResults(1, MODEL)).isNull();
      leave("seed-1/tiny-home/zero-shot.json");
      assertThat(folder.hasResults()).isTrue();
      assertThat(folder.computeOfResults(1, MODEL)).isEqualTo(ComputeType.BFLOAT16);
      assertThatThrownBy(() -> open("machine: {compute: bfloat16}"))
          .hasMessageContaining("another run");
    }
    open("machine: {threads: 2, parallel: 3, compute: auto}");
    assertThatThrownBy(() -> open("machine: {compute: float32}"))
        .hasMessageContaining("machine.compute: bfloat16 there, float32 here");
    assertThatThrownBy(() -> open("federated: {rounds: 3}\nlora: {rank: 8}"))
        .hasMessageContaining("expected: another --out")
        .hasMessageContaining("federated.rounds: 50 there, 3 here");
  }
}
