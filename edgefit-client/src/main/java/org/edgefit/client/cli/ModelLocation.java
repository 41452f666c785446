package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.edgefit.format.hub.ModelHub;

/** Where a base model is, as options name it. */
final class ModelLocation {

  static final String DIRECTORY = "Hugging Face directory, or hf:ORG/NAME[@REVISION] from the hub";

  static final String ANY = DIRECTORY + ", or a GGUF file";

  private ModelLocation() {}

  /** Returns a model's name on the hub, or its path. */
  static String name(String location) {
    return ModelHub.isLocation(location)
        ? location.substring(ModelHub.PREFIX.length()).replaceFirst("@.*", "")
        : location;
  }

  /** Returns the directory or file, after a download where the hub is named. */
  static Path resolve(String location) throws IOException {
    if (!ModelHub.isLocation(location)) {
      return Path.of(location);
    }
    try (Progress progress = new Progress("downloading " + location, 64 << 20)) {
      return ModelHub.standard()
          .download(
              location,
              new ModelHub.Progress() {
                @Override
                public void starts(ModelHub.Fetch fetch) {
                  System.err.println("downloading " + fetch);
                }

                @Override
                public void received(String file, long done, long bytes) {
                  progress.show(done, bytes, file);
                }
              });
    }
  }
}
