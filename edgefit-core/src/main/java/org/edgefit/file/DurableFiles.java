package org.edgefit.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** Atomic file writes: to a temporary file, forced to disk, then renamed. */
public final class DurableFiles {

  /** What the name of a file ends with that is not written whole. */
  public static final String PART = ".part";

  private static final boolean FOLDERS_CAN_BE_FORCED =
      !System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");

  private DurableFiles() {}

  /** Returns the file that is written before it gets its name. */
  public static Path partOf(Path file) {
    return file.resolveSibling(file.getFileName() + PART);
  }

  /** Writes a text file. */
  public static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Path part = partOf(file);
    try (FileChannel channel =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      writeFully(channel, StandardCharsets.UTF_8.encode(text), file);
      force(channel, file);
    } catch (IOException e) {
      Files.deleteIfExists(part);
      throw e;
    }
    publish(part, file);
  }

  /**
   * Writes all bytes of a buffer to a channel.
   *
   * @param file what the channel writes, for a message
   */
  public static void writeFully(FileChannel channel, ByteBuffer bytes, Path file)
      throws IOException {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw FileFault.named(file, e);
    }
  }

  /**
   * Forces what a channel wrote to disk.
   *
   * @param file what the channel writes, for a message
   */
  public static void force(FileChannel channel, Path file) throws IOException {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw FileFault.named(file, e);
    }
  }

  /**
   * Gives a written and forced file its name, and forces the folder.
   *
   * @throws IOException also if there is something else than a file of that name, as a device
   */
  public static void publish(Path part, Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      Files.deleteIfExists(part);
      throw new FileSystemException(
          file.toString(), null, "exists, and is not a file (expected: a file)");
    }
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Path folder = file.toAbsolutePath().getParent();
    if (FOLDERS_CAN_BE_FORCED && folder != null) {
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }
}
