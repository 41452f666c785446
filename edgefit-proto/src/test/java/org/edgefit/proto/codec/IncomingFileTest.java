package org.edgefit.proto.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.edgefit.file.Sha256;
import org.edgefit.proto.Chunk;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncomingFileTest {

  /** SHA-256 of "abc", as FIPS 180-2 has it. */
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir Path temp;

  private static Chunk chunk(String text) {
    return Chunks.chunk(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private Path path() {
    return temp.resolve("incoming");
  }

  @Test
  void wholeFileIsKept() throws IOException {
    for (boolean isForced : new boolean[] {true, false}) {
      try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
        file.append(chunk("a"));
        file.append(chunk("bc"));
        file.keep(isForced);
        assertThat(file.path()).isEqualTo(path());
      }
      assertThat(path()).hasContent("abc");
      assertThat(Sha256.of(path())).isEqualTo(ABC);
    }
  }

  @Test
  void fileThatIsThereIsReplaced() throws IOException {
    Files.writeString(path(), "longer than what comes");
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      file.append(chunk("abc"));
      file.keep(false);
    }
    assertThat(path()).hasContent("abc");
  }

  @Test
  void whatIsNotKeptLeavesNothing() throws IOException {
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      file.append(chunk("abc"));
    }
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void missingBytesAreDamage() throws IOException {
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      file.append(chunk("ab"));
      assertThatThrownBy(() -> file.keep(false))
          .isInstanceOf(DamagedTransferException.class)
          .hasMessage("2 bytes (expected: 3)");
    }
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void anotherHashIsDamage() throws IOException {
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      file.append(chunk("abd"));
      assertThatThrownBy(() -> file.keep(true))
          .isInstanceOf(DamagedTransferException.class)
          .hasMessageContaining("(expected: " + ABC + ")");
    }
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void moreThanWasAnnouncedIsRefusedBeforeItIsWritten() throws IOException {
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      file.append(chunk("ab"));
      assertThatThrownBy(() -> file.append(chunk("cd")))
          .isInstanceOf(DamagedTransferException.class)
          .hasMessage("more than the declared 3 bytes");
      assertThat(path()).hasContent("ab");
    }
  }

  @Test
  void damagedChunkIsNotWritten() throws IOException {
    try (IncomingFile file = new IncomingFile(path(), 3, ABC)) {
      Chunk damaged = chunk("abc").toBuilder().setCrc32C(1).build();
      assertThatThrownBy(() -> file.append(damaged)).isInstanceOf(DamagedTransferException.class);
      assertThat(path()).isEmptyFile();
    }
  }

  @Test
  void closedFileTakesNothing() throws IOException {
    IncomingFile file = new IncomingFile(path(), 3, ABC);
    file.close();
    assertThatThrownBy(() -> file.append(chunk("abc"))).isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void folderThatIsNotThereIsNamed() {
    Path nowhere = temp.resolve("none").resolve("incoming");
    assertThatThrownBy(() -> new IncomingFile(nowhere, 3, ABC))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(nowhere.toString());
  }
}
