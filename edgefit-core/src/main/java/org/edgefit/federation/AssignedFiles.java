package org.edgefit.federation;

import java.io.IOException;
import java.util.IdentityHashMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.run.FileRef;
import org.edgefit.run.RunDirectory;
import org.jspecify.annotations.Nullable;

/** The files of what clients are sent in a round; what several are sent is written once. */
final class AssignedFiles {

  private final RunDirectory directory;
  private final int round;
  private final IdentityHashMap<Object, FileRef> files = new IdentityHashMap<>();

  AssignedFiles(RunDirectory directory, int round) {
    this.directory = directory;
    this.round = round;
  }

  /** Notes that an adapter has a file already. */
  void put(Adapter adapter, FileRef file) {
    files.put(adapter, file);
  }

  /** Returns the file of an adapter. */
  FileRef of(Adapter adapter) throws IOException {
    FileRef known = files.get(adapter);
    FileRef file = known != null ? known : directory.writeAssigned(round, adapter);
    files.put(adapter, file);
    return file;
  }

  /** Returns the file of tensors, or null if there are none. */
  @Nullable FileRef of(NamedTensors tensors) throws IOException {
    if (tensors.isEmpty()) {
      return null;
    }
    FileRef known = files.get(tensors);
    FileRef file = known != null ? known : directory.writeAssigned(round, tensors);
    files.put(tensors, file);
    return file;
  }
}
