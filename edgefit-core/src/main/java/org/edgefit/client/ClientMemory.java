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
 * A client's state across rounds of a run (control variates, personalised layers), on disk: it
 * survives a restart of the client.
 *
 * <p>Each task writes one version, named by the task's id. It is staged before the task's result is
 * sent, and the next task names the version it builds on: this client's last that the server
 * accepted. So a rejected or lost result changes nothing, even if either side restarts in between,
 * and a server that rolls back to an earlier round finds the client's state of that round, as far
 * back as the task's horizon.
 */
public final class ClientMemory {

  private static final String SUFFIX = ".safetensors";

  private final Path folder;

  /**
   * Opens a memory.
   *
   * @param folder this client's folder for the run; created on first write
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
   * @param version the task that wrote it; null for the empty state
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
              + ": missing (expected: one of "
              + versions()
              + "; the server requests a state version that this client does not have)");
    }
    return TensorFile.read(file(version));
  }

  /** Writes a task's version durably; it is current once a later task names it. */
  public void stage(TaskId task, NamedTensors tensors) throws IOException {
    TensorFile.write(tensors, file(task));
  }

  /** Deletes a task's version, after its result was rejected. */
  public void discard(TaskId task) throws IOException {
    Files.deleteIfExists(file(task));
  }

  /**
   * Deletes versions that no task can request.
   *
   * @param horizon the oldest version the server may roll back to, or null for any
   */
  public void prune(@Nullable TaskId horizon) throws IOException {
    if (horizon != null) {
      for (TaskId version : versions().headSet(horizon, false)) {
        Files.deleteIfExists(file(version));
      }
    }
  }

  /** Returns the stored versions, including staged ones. */
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
