package org.edgefit.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {

  private static final int REFUSED = 3;

  @TempDir Path temp;

  /** Tries to hold a folder, in a process of its own. */
  static final class Other {
    private Other() {}

    public static void main(String[] args) throws IOException {
      FolderLock lock;
      try {
        lock = FolderLock.hold(Path.of(args[0]));
      } catch (IOException e) {
        System.exit(REFUSED);
        return;
      }
      lock.close();
    }
  }

  private int other() throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Other.class.getName(),
            temp.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  @Test
  void folderIsHeldAgainstThisProcessAndOthersUntilItIsClosed() throws Exception {
    FolderLock lock = FolderLock.hold(temp);
    assertThat(other()).isEqualTo(REFUSED);
    assertThatThrownBy(() -> FolderLock.hold(temp.resolve(".")))
        .hasMessage(temp.resolve(".") + ": in use by another run");
    assertThat(other()).as("after a refusal in this process").isEqualTo(REFUSED);
    lock.close();
    assertThat(other()).isZero();
    FolderLock.hold(temp).close();
  }
}
