package org.edgefit.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.client.ClientId;
import org.edgefit.format.AdapterFile;

/**
 * The updates of one round, a file per client. An update is read where it lies, by memory mapping,
 * so that a round's memory does not grow with its clients.
 *
 * @param folder the folder of the files
 * @param layout the layout that every update must have
 */
public record UpdateStore(Path folder, AdapterLayout layout) {

  /** Returns the file of a client's update. */
  public Path file(String clientId) {
    return folder.resolve(ClientId.require(clientId) + ".safetensors");
  }

  /**
   * Maps an update that has been written.
   *
   * @throws IOException if the file is broken
   * @throws IllegalArgumentException naming the first tensor that differs from the layout
   */
  public AdapterDelta open(String clientId) throws IOException {
    return AdapterFile.readDelta(file(clientId), layout);
  }

  private Path fileSetAside(String clientId) {
    return folder.resolve(ClientId.require(clientId) + ".unused");
  }

  /**
   * Takes an update that does not go into the round, if there is one, out of those that do: it
   * stays under another name.
   */
  public void setAside(String clientId) throws IOException {
    if (Files.exists(file(clientId))) {
      Files.move(file(clientId), fileSetAside(clientId), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Returns the bytes of a client's update, whether it went into the round or not. */
  public long bytesReceived(String clientId) throws IOException {
    for (Path path : List.of(file(clientId), fileSetAside(clientId))) {
      if (Files.exists(path)) {
        return Files.size(path);
      }
    }
    return 0;
  }

  /** Writes an update, and maps it. */
  public AdapterDelta save(String clientId, AdapterDelta delta) throws IOException {
    layout.requireSame(delta.layout());
    AdapterFile.write(delta, file(clientId));
    return open(clientId);
  }
}
