package org.edgefit.examples.experiment;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.examples.TinyHome;
import org.edgefit.format.hub.ModelHub;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;

/** The base models that a configuration names. */
final class BaseModels {

  private static final String EMBEDDED = "tiny-home";

  /** What the names of random weights of a shape begin with; they have the embedded tokenizer. */
  private static final String RANDOM = "random:";

  private BaseModels() {}

  /** Returns a model's shape. */
  static ModelConfig config(String name) throws IOException {
    if (name.startsWith(RANDOM)) {
      return ModelConfig.shape(name.substring(RANDOM.length()));
    }
    return ModelConfig.read(
        ModelHub.isLocation(name) ? ModelHub.standard().downloadConfig(name) : resolve(name));
  }

  /** Loads a model. */
  static BaseModel load(String name, Quantization quantization) throws IOException {
    return name.startsWith(RANDOM)
        ? BaseModel.random(config(name), new Seed(1), Device.cpu(), resolve(EMBEDDED))
        : BaseModel.load(resolve(name), quantization);
  }

  /** Returns the directory or file of a model, after a download where the hub is named. */
  private static Path resolve(String name) throws IOException {
    if (name.equals(EMBEDDED)) {
      return TinyHome.unpack(Files.createTempDirectory("edgefit-"));
    }
    if (!ModelHub.isLocation(name) && !Files.exists(Path.of(name))) {
      throw new NoSuchFileException(
          "base model: "
              + name
              + ": not found (expected: a model directory, a GGUF file, hf:ORG/NAME, "
              + EMBEDDED
              + " or "
              + RANDOM
              + "SHAPE)");
    }
    return ModelHub.isLocation(name)
        ? ModelHub.standard().download(name, new Told())
        : Path.of(name);
  }

  /** Tells of a download on standard output. */
  static final class Told implements ModelHub.Progress {
    @Override
    public void starts(ModelHub.Fetch fetch) {
      System.out.println("downloading " + fetch);
    }

    @Override
    public void received(String file, long done, long bytes) {
      if (done == 0 || done == bytes) {
        System.out.printf(Locale.ROOT, "%s: %.1f of %.1f MB%n", file, done / 1e6, bytes / 1e6);
      }
    }
  }

  /** Returns a model's name as the name of a folder. */
  static String folder(String name) {
    String last = name.replaceFirst("[/\\\\]+$", "").replaceFirst(".*[/\\\\]", "");
    return last.replaceAll("[^A-Za-z0-9._-]", "-");
  }
}
