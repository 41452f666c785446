package org.edgefit.format.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.file.DurableFiles;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;

/**
 * A revision of a repository.
 *
 * @param location what names it, for messages
 * @param listing where the hub tells its files, below {@code api/}
 * @param path where its files are
 * @param folder its folder in the cache
 */
record HubRepository(String location, String listing, String path, Path folder, String revision) {

  /** The folder of lists of the files that whole snapshots have. */
  static final String COMPLETE = ".edgefit";

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  /** Returns the snapshot that is there, whole or not. */
  Path snapshot() throws IOException {
    Path ref = folder.resolve("refs").resolve(revision);
    return snapshot(Files.exists(ref) ? Files.readString(ref).strip() : revision);
  }

  /** Returns whether a file is there. */
  boolean has(String file) throws IOException {
    return Files.exists(snapshot().resolve(file));
  }

  /** Returns whether a model is there, with all that its snapshot had. */
  boolean isWholeModel() throws IOException {
    Path snapshot = snapshot();
    if (!Files.exists(snapshot.resolve(ModelConfig.FILE)) || !ModelFiles.exist(snapshot)) {
      return false;
    }
    Path complete = folder.resolve(COMPLETE).resolve(String.valueOf(snapshot.getFileName()));
    if (Files.exists(complete)) {
      for (String name : Files.readAllLines(complete)) {
        if (!Files.exists(snapshot.resolve(name))) {
          return false;
        }
      }
    }
    return true;
  }

  /** Notes that a commit's files are all there, and that it is what the revision names. */
  void complete(String commit, List<String> names) throws IOException {
    writeIfChanged(folder.resolve(COMPLETE).resolve(commit), String.join("\n", names) + "\n");
    writeIfChanged(folder.resolve("refs").resolve(revision), commit);
  }

  private static void writeIfChanged(Path file, String text) throws IOException {
    if (!Files.exists(file) || !Files.readString(file).equals(text)) {
      DurableFiles.write(file, text);
    }
  }
}
