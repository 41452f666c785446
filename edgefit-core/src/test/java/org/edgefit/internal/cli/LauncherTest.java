package org.edgefit.internal.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import picocli.CommandLine.Command;

@ResourceLock(Resources.SYSTEM_ERR)
class LauncherTest {

  @Command(name = "try")
  private record Failing(Exception fault) implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      throw fault;
    }
  }

  private static void assertTold(Exception fault, int status, String line) {
    PrintStream err = System.err;
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    System.setErr(new PrintStream(told, true, UTF_8));
    try {
      assertThat(Launcher.execute(new Failing(fault))).isEqualTo(status);
    } finally {
      System.setErr(err);
    }
    assertThat(told.toString(UTF_8)).isEqualToNormalizingNewlines(line + "\n");
  }

  @Test
  void barePathsAreToldWithWhatIsWrong() {
    assertTold(new NoSuchFileException("a/b"), 1, "try: a/b: no such file or directory");
    assertTold(new AccessDeniedException("a/b"), 1, "try: a/b: access denied");
    assertTold(new NotDirectoryException("a/b"), 1, "try: a/b: a file (expected: a directory)");
    assertTold(new FileSystemException("a/b"), 1, "try: a/b: it cannot be read or written");
    assertTold(
        new FileSystemException("a/b", null, "No space left on device"),
        1,
        "try: a/b: No space left on device");
    assertTold(new NoSuchFileException("a/b: no such file"), 1, "try: a/b: no such file");
  }

  @Test
  void wrappedFaultIsToldItself() {
    assertTold(new UncheckedIOException(new IOException("a: b")), 1, "try: a: b");
    assertTold(
        new UncheckedIOException(new NoSuchFileException("a")),
        1,
        "try: a: no such file or directory");
  }

  @Test
  void wrongUseHasAStatusOfItsOwn() {
    assertTold(
        new IllegalArgumentException("--n: 0 (expected: > 0)"), 2, "try: --n: 0 (expected: > 0)");
  }
}
