package org.edgefit.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A directory that a command writes: new or empty, or in place of another if that is wanted. What
 * is written lies beside it until all is there, and then appears at once.
 */
public final class OutputDirectory implements AutoCloseable {

  private final Path target;
  private final Path work;
  private boolean isPublished;

  private OutputDirectory(Path target, Path work) {
    this.target = target;
    this.work = work;
  }

  /**
   * Makes a place to write in.
   *
   * @param overwrite whether what the directory holds is to be replaced
   * @throws IOException if the path is a file, or a directory that holds something which is not to
   *     be replaced, or nothing can be written beside it
   */
  public static OutputDirectory open(Path path, boolean overwrite) throws IOException {
    Path target = path.toAbsolutePath().normalize();
    require(path, overwrite);
    Path parent = target.getParent();
    Path name = target.getFileName();
    if (parent == null || name == null) {
      throw new IOException(path + ": the root (expected: a new directory)");
    }
    Files.createDirectories(parent);
    boolean isEmpty = Files.isDirectory(target) && !overwrite;
    return new OutputDirectory(target, beside(isEmpty ? target.resolve(name) : target));
  }

  /** Makes a directory beside another, which others may read as they may any. */
  private static Path beside(Path target) throws IOException {
    String name = ".%s-%x".formatted(target.getFileName(), System.nanoTime());
    return Files.createDirectory(target.resolveSibling(name));
  }

  /**
   * Checks that a directory can be written, without writing.
   *
   * @throws IOException as {@link #open} does
   */
  public static void require(Path path, boolean overwrite) throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException(path + ": a file (expected: a new directory)");
    }
    if (!Files.isDirectory(path) || overwrite) {
      return;
    }
    try (Stream<Path> entries = Files.list(path)) {
      List<String> first = entries.map(entry -> entry.getFileName().toString()).sorted().toList();
      if (!first.isEmpty()) {
        throw new IOException(
            path
                + ": holds "
                + first.get(0)
                + (first.size() > 1 ? " and " + (first.size() - 1) + " more" : "")
                + " (expected: a new or empty directory, or --overwrite, which replaces what is there)");
      }
    }
  }

  /** Returns where to write. */
  public Path path() {
    return work;
  }

  /**
   * Gives what was written its place, durably; what was there before is gone then. An empty
   * directory, which may be where another disk is mounted, is filled entry by entry.
   */
  public void publish() throws IOException {
    if (work.startsWith(target)) {
      try (Stream<Path> entries = Files.list(work)) {
        for (Path entry : entries.sorted().toList()) {
          DurableFiles.publish(entry, target.resolve(entry.getFileName()));
        }
      }
      delete(work);
    } else if (Files.exists(target)) {
      Path old = beside(target);
      Path before = old.resolve("old");
      Files.move(target, before, StandardCopyOption.ATOMIC_MOVE);
      try {
        DurableFiles.publish(work, target);
      } catch (IOException e) {
        Files.move(before, target, StandardCopyOption.ATOMIC_MOVE); // nothing is lost
        delete(old);
        throw e;
      }
      delete(old);
    } else {
      DurableFiles.publish(work, target);
    }
    isPublished = true;
  }

  /** Removes what was written, if it was not given its place. */
  @Override
  public void close() throws IOException {
    if (!isPublished) {
      delete(work);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
