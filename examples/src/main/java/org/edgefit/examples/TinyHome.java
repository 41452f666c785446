package org.edgefit.examples;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * The bundled base model: a Llama with 5.8 million parameters in NF4, for this project. Its origin
 * and licence stand in {@code SOURCE.txt} beside it.
 */
public final class TinyHome {

  private static final List<String> FILES =
      List.of(
          "SOURCE.txt",
          "config.json",
          "generation_config.json",
          "model.safetensors",
          "tokenizer.json",
          "tokenizer_config.json");

  private TinyHome() {}

  /** Unpacks the model's directory into a folder, and returns it. */
  public static Path unpack(Path folder) throws IOException {
    Path directory = Files.createDirectories(folder.resolve("tiny-home"));
    folder.toFile().deleteOnExit(); // what is registered last goes first
    directory.toFile().deleteOnExit();
    for (String name : FILES) {
      directory.resolve(name).toFile().deleteOnExit();
      try (InputStream in = TinyHome.class.getResourceAsStream("tiny-home/" + name)) {
        if (in == null) {
          throw new FileNotFoundException("tiny-home/" + name + ": not among the resources");
        }
        Files.copy(in, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return directory;
  }
}
