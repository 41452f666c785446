package org.edgefit.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;

/**
 * A kind of file that people bring, cut short, altered, empty, a directory, of another kind or not
 * to be read: it is read right, or refused in a message of ours, soon and in little memory.
 *
 * @param folder where it is sound; its neighbours are copied along
 * @param name its name there
 * @param reader what reads it
 */
public record DamagedFile(Path folder, String name, Reader reader) {

  /** What a message of a library's developers has in it. */
  private static final Pattern FOREIGN =
      Pattern.compile(
          "jackson|StreamRead|ai\\.djl|java\\.|javax\\.|snakeyaml|Exception|TorchScript|\\.rs:"
              + "|at line \\d+ column|Input length =|null$");

  private static final Duration LONGEST = Duration.ofSeconds(60);
  private static final long HEAP = 64L << 20;

  /** Reads a file of a folder, with its neighbours. */
  public interface Reader {
    void read(Path folder) throws IOException;
  }

  /** Returns the tests of this kind, which work in folders of a temporary one. */
  public Stream<DynamicTest> tests(Path temp) {
    return Stream.of(
        DynamicTest.dynamicTest(name + ", damaged", () -> damage(temp)),
        DynamicTest.dynamicTest(name + ", not to be read", () -> forbid(temp)));
  }

  private void damage(Path temp) throws IOException {
    byte[] sound = Files.readAllBytes(folder.resolve(name));
    Path target = copy(temp).resolve(name);
    List<String> faults = new ArrayList<>();
    for (int part = 0; part < 16; part++) {
      int length = (int) ((long) sound.length * part / 16);
      attempt(target, Arrays.copyOf(sound, length), "cut to " + length, faults);
    }
    Random random = new Random(7);
    for (int i = 0; i < 64; i++) {
      byte[] flipped = sound.clone();
      int at = i < 32 ? random.nextInt(Math.min(sound.length, 400)) : random.nextInt(sound.length);
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      attempt(target, flipped, "bit flipped at " + at, faults);
    }
    for (String other :
        List.of(
            "<!DOCTYPE html>", "version https://git-lfs.github.com/spec/v1\n", "\u0000\u0001")) {
      attempt(target, other.getBytes(StandardCharsets.UTF_8), other.strip(), faults);
    }
    Files.delete(target);
    Files.createDirectory(target);
    attempt(target, null, "a directory", faults);
    Files.delete(target);
    attempt(target, null, "missing", faults);
    assertThat(faults).isEmpty();
  }

  private void forbid(Path temp) throws IOException {
    Path target = copy(temp).resolve(name);
    boolean forbidden = target.toFile().setReadable(false, false);
    assumeFalse(!forbidden || Files.isReadable(target), "this user may read every file");
    List<String> faults = new ArrayList<>();
    attempt(target, null, "not to be read", faults);
    assertThat(faults).isEmpty();
  }

  private Path copy(Path temp) throws IOException {
    Path work = Files.createTempDirectory(temp, "work");
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, work.resolve(file.getFileName()));
      }
    }
    return work;
  }

  private void attempt(Path target, byte @Nullable [] bytes, String how, List<String> faults)
      throws IOException {
    if (bytes != null) {
      Files.write(target, bytes);
    }
    long limit = HEAP + 4L * (bytes == null ? 0 : bytes.length);
    try {
      Assertions.assertTimeoutPreemptively(LONGEST, () -> read(target, limit));
    } catch (Throwable e) {
      String message = String.valueOf(e.getMessage());
      boolean ours = e instanceof IOException || e instanceof IllegalArgumentException;
      boolean bare = message.equals(target.toString()) && !(e instanceof FileSystemException);
      if (!ours || bare || FOREIGN.matcher(message).find()) {
        faults.add(how + ": " + e + " at " + e.getStackTrace()[0]);
      }
    }
  }

  /** Reads, and holds what that allocated, which is more than it ever held, to a limit. */
  private void read(Path target, long limit) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    try {
      reader.read(target.getParent());
    } finally {
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(limit);
    }
  }
}
