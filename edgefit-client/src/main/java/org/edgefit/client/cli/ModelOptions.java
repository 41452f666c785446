package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A base model, and perhaps an adapter over it. */
final class ModelOptions {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "the base model: " + ModelLocation.ANY)
  private String model = "";

  private @Nullable Path resolved;

  @Option(names = "--adapter", paramLabel = "DIR", description = "PEFT directory of an adapter")
  private @Nullable Path adapter;

  /** Returns the model's name for an adapter's config: that on the hub, or the path. */
  String name() {
    return ModelLocation.name(model);
  }

  /** Returns the directory or file of the base model, which may be downloaded first. */
  Path model() throws IOException {
    if (resolved == null) {
      resolved = ModelLocation.resolve(model);
    }
    return resolved;
  }

  /** Returns what is read: the model and, if one is named, the adapter. */
  Path[] inputs(Path data) throws IOException {
    return adapter == null ? new Path[] {model(), data} : new Path[] {model(), data, adapter};
  }

  /** Loads the base model on a machine's device. */
  BaseModel load(Quantization quantization, MachineOptions machine) throws IOException {
    return BaseModel.load(model(), quantization, machine.device());
  }

  /** Reads the adapter, which must be the model's, or returns null if none is named. */
  @Nullable Adapter readAdapter() throws IOException {
    return adapter == null
        ? null
        : PeftAdapter.read(adapter, ModelConfig.read(model()).linearLayers());
  }
}
