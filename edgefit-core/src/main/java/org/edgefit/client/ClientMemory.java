package org.edgefit.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.format.safetensors.TensorFile;
import org.jspecify.annotations.Nullable;

/**
 * What a client keeps from round to round of a run: control variates, personal parts. It survives a
 * restart of the client's process.
 *
 * <p>A version is what one task left, and is called by the task's id. A task's version is staged
 * before its answer is sent, and the next task says which version it builds on: the last of this
 * client's that the server took. So a task that was refused, or whose answer was lost, changes
 * nothing, whoever of the two was stopped in between; and a server that goes back to an earlier
 * round finds the client as it was then, as far back as the task's horizon says.
 */
public final class ClientMemory {

  private static final String SUFFIX = ".safetensors";

  private final Path folder;

  /**
   * Opens a memory.
   *
   * @param folder the client's own in this run; made when something is first kept
   */
  public ClientMemory(Path folder) {
    this.folder = folder;
  }

  private Path file(TaskId version) {
    return folder.resolve(version + SUFFIX);
  }

  /**
   * Returns a version.
   *
   * @param version the task that left it; null for none, which is empty
   * @throws IOException if this version is not here, or its file is broken
   */
  public NamedTensors read(@Nullable TaskId version) throws IOException {
    if (version == null) {
      return NamedTensors.none();
    }
    if (!Files.exists(file(version))) {
      throw new IOException(
          "memory of task "
              + version
              + ": not here (expected: one of "
              + versions()
              + "; the server asks for a state of this client that it no longer has, or never had)");
    }
    return TensorFile.read(file(version));
  }

  /** Keeps what a task leaves, durably, until a later task says that it counts. */
  public void stage(TaskId task, NamedTensors tensors) throws IOException {
    TensorFile.write(tensors, file(task));
  }

  /** Drops what a task left, after the server refused its answer. */
  public void discard(TaskId task) throws IOException {
    Files.deleteIfExists(file(task));
  }

  /**
   * Drops versions that no task can ask for any more.
   *
   * @param horizon the oldest version that the server may go back to, or null for any
   */
  public void prune(@Nullable TaskId horizon) throws IOException {
    if (horizon != null) {
      for (TaskId version : versions().headSet(horizon, false)) {
        Files.deleteIfExists(file(version));
      }
    }
  }

  /** Returns the versions that are here, staged ones among them. */
  NavigableSet<TaskId> versions() throws IOException {
    TreeSet<TaskId> versions = new TreeSet<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files
            .map(file -> String.valueOf(file.getFileName()))
            .filter(name -> name.matches("[0-9]{1,18}\\.safetensors"))
            .forEach(
                name ->
                    versions.add(
                        new TaskId(
                            Long.parseLong(name.substring(0, name.length() - SUFFIX.length())))));
      }
    }
    return versions;
  }
}
