package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.edgefit.examples.TinyHome;
import org.edgefit.format.ModelHub;

/** Where the base models are that a configuration names. */
final class BaseModels {

  private static final String EMBEDDED = "tiny-home";

  private BaseModels() {}

  /** Returns the directory or file of a model, after a download where the hub is named. */
  static Path resolve(String name) throws IOException {
    if (name.equals(EMBEDDED)) {
      return TinyHome.unpack(Files.createTempDirectory("edgefit-"));
    }
    return ModelHub.isLocation(name)
        ? ModelHub.standard().download(name, (file, done, bytes) -> {})
        : Path.of(name);
  }

  /** Returns a model's name as the name of a folder. */
  static String folder(String name) {
    String last = name.replaceFirst("[/\\\\]+$", "").replaceFirst(".*[/\\\\]", "");
    return last.replaceAll("[^A-Za-z0-9._-]", "-");
  }
}
