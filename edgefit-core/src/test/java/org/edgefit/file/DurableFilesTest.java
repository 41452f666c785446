package org.edgefit.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {

  /** A device on which there is never room. */
  private static final Path FULL = Path.of("/dev/full");

  @TempDir Path temp;

  @Test
  void fileForWhichThereIsNoRoomIsNamed() throws IOException {
    assumeTrue(Files.exists(FULL), "Linux has a device that is full");
    Path file = temp.resolve("file");
    try (FileChannel full = FileChannel.open(FULL, StandardOpenOption.WRITE)) {
      assertThatThrownBy(() -> DurableFiles.writeFully(full, ByteBuffer.allocate(1), file))
          .isInstanceOf(FileSystemException.class)
          .hasMessage(file + ": No space left on device");
    }
  }

  @Test
  void whatIsWrittenHalfIsTakenAway() throws IOException {
    assumeTrue(Files.exists(FULL), "Linux has a device that is full");
    Path file = temp.resolve("file.json");
    Files.createSymbolicLink(DurableFiles.partOf(file), FULL);
    assertThatThrownBy(() -> DurableFiles.write(file, "{}"))
        .isInstanceOf(FileSystemException.class)
        .hasMessage(file + ": No space left on device");
    assertThat(temp).isEmptyDirectory();
  }
}
