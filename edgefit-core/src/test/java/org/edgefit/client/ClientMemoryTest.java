package org.edgefit.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.adapter.NamedTensors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClientMemoryTest {

  @TempDir private Path temp;
  private Path folder;
  private ClientMemory memory;

  @BeforeEach
  void open() {
    folder = temp.resolve("run/home");
    memory = new ClientMemory(folder);
  }

  private static NamedTensors tensors(float value) {
    return NamedTensors.none()
        .with("control/w", List.of(2), FloatBuffer.wrap(new float[] {value, -value}));
  }

  private static TaskId task(long number) {
    return new TaskId(number);
  }

  @Test
  void versionIsReadByTheTaskThatWroteIt() throws IOException {
    memory.stage(task(3), tensors(1));
    memory.stage(task(12), tensors(2));
    ClientMemory again = new ClientMemory(folder); // as after a restart
    assertThat(again.read(task(3)).tensor("control/w").get(0)).isEqualTo(1);
    assertThat(again.read(task(12)).tensor("control/w").get(1)).isEqualTo(-2);
    assertThat(again.read(null).isEmpty()).isTrue();
    assertThat(again.versions()).containsExactly(task(3), task(12));
  }

  @Test
  void nothingIsMadeBeforeTheFirstVersion() throws IOException {
    assertThat(memory.versions()).isEmpty();
    memory.discard(task(1));
    memory.prune(task(9));
    assertThat(folder).doesNotExist();
  }

  @Test
  void versionThatIsNotHereIsNamedWithThoseThatAre() throws IOException {
    memory.stage(task(3), tensors(1));
    assertThatThrownBy(() -> memory.read(task(4)))
        .hasMessageStartingWith("memory of task 4: missing (expected: one of [3];");
  }

  @Test
  void versionOfARefusedResultIsDiscarded() throws IOException {
    memory.stage(task(3), tensors(1));
    memory.stage(task(4), tensors(2));
    memory.discard(task(4));
    assertThat(memory.versions()).containsExactly(task(3));
    memory.discard(task(4));
  }

  @Test
  void versionsBeforeTheHorizonAreDeleted() throws IOException {
    for (int number : new int[] {1, 2, 5, 10}) {
      memory.stage(task(number), tensors(number));
    }
    memory.prune(null);
    assertThat(memory.versions()).hasSize(4);
    memory.prune(task(5));
    assertThat(memory.versions()).containsExactly(task(5), task(10));
    memory.prune(task(7));
    assertThat(memory.versions()).containsExactly(task(10));
  }

  @Test
  void othersFilesAreLeftAlone() throws IOException {
    memory.stage(task(3), tensors(1));
    Files.writeString(folder.resolve("notes.txt"), "mine");
    Files.writeString(folder.resolve("3.safetensors.bak"), "mine");
    Files.writeString(folder.resolve("x3.safetensors"), "mine");
    memory.prune(task(100));
    assertThat(memory.versions()).isEmpty();
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(3);
    }
  }

  @Test
  void damagedVersionIsRefusedByItsFile() throws IOException {
    memory.stage(task(3), tensors(1));
    Path file = folder.resolve("3.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> memory.read(task(3)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
  }
}
