package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.format.PeftAdapter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A base model, and perhaps an adapter over it. */
final class ModelOptions {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Hugging Face directory of the base model")
  private Path model = Path.of("");

  @Option(names = "--adapter", paramLabel = "DIR", description = "PEFT directory of an adapter")
  private @Nullable Path adapter;

  Path model() {
    return model;
  }

  /** Loads the base model. */
  BaseModel load(Quantization quantization) throws IOException {
    return BaseModel.load(model, quantization);
  }

  /** Reads the adapter, or returns null if none is named. */
  @Nullable Adapter readAdapter() throws IOException {
    return adapter == null ? null : PeftAdapter.read(adapter);
  }
}
