package org.edgefit.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An output directory of a command: new or empty, or replaced on request. Its content is written
 * next to it and then published atomically.
 */
public final class OutputDirectory implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(OutputDirectory.class);

  private final Path target;
  private final Path work;
  private final Thread atExit;
  private boolean isPublished;

  private OutputDirectory(Path target, Path work) {
    this.target = target;
    this.work = work;
    this.atExit = new Thread(this::discard, "edgefit-output");
    Runtime.getRuntime().addShutdownHook(atExit); // a command that is asked to end leaves nothing
  }

  /**
   * Makes a place to write in.
   *
   * @param overwrite whether what the directory holds is to be replaced
   * @param inputs what is read for it, and so must not be replaced
   * @throws IOException if the path is a file, or a directory that holds something which is not to
   *     be replaced, or nothing can be written beside it
   */
  public static OutputDirectory open(Path path, boolean overwrite, Path... inputs)
      throws IOException {
    require(path, overwrite, inputs);
    Path target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath().normalize();
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
    String name = String.format(Locale.ROOT, ".%s-%x", target.getFileName(), System.nanoTime());
    return Files.createDirectory(target.resolveSibling(name));
  }

  /**
   * Checks that a directory can be written, without writing.
   *
   * @throws IOException as {@link #open} does
   */
  public static void require(Path path, boolean overwrite, Path... inputs) throws IOException {
    if (!Files.exists(path)) {
      requirePlace(path);
      return;
    }
    if (!Files.isDirectory(path)) {
      throw new IOException(path + ": a file (expected: a new directory)");
    }
    for (Path input : inputs) {
      if (Files.exists(input) && input.toRealPath().startsWith(path.toRealPath())) {
        throw new IOException(
            path + ": contains the input " + input + " (expected: another directory)");
      }
    }
    if (overwrite) {
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
                + " (expected: a new or empty directory, or --overwrite to replace it)");
      }
    }
  }

  /** Checks that a directory which is not there can be made. */
  private static void requirePlace(Path path) throws IOException {
    if (Files.isSymbolicLink(path)) {
      throw new IOException(path + ": a dangling link (expected: a new directory)");
    }
    Path above = path.toAbsolutePath().normalize().getParent();
    while (above != null && !Files.exists(above)) {
      above = above.getParent();
    }
    if (above == null || !Files.isDirectory(above) || !Files.isWritable(above)) {
      boolean isFile = above != null && !Files.isDirectory(above);
      throw new IOException(
          path
              + ": cannot create in "
              + above
              + (isFile ? ", a file" : "")
              + " (expected: a directory that can be written)");
    }
  }

  /** Returns where to write. */
  public Path path() {
    return work;
  }

  /**
   * Publishes the directory durably, replacing the old content. An empty directory, which may be a
   * mount point, is filled entry by entry.
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
    forget();
  }

  /** Deletes what was written, unless it was published. */
  @Override
  public void close() throws IOException {
    if (!isPublished) {
      forget();
      delete(work);
    }
  }

  private void forget() {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      LOG.debug("{}: the program is ending", work);
    }
  }

  private void discard() {
    try {
      delete(work);
    } catch (IOException e) {
      LOG.warn("{}: not deleted: {}", work, e.getMessage());
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
