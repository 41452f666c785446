package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.model.ModelMerger;
import org.edgefit.file.Json;
import org.edgefit.file.OutputDirectory;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.peft.PeftAdapter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Adds an adapter into its base model. */
@Command(
    name = "merge",
    description =
        "Merges an adapter into a base model's weights, in the checkpoint's dtype; bitsandbytes"
            + " weights are dequantised.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class MergeCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = ModelLocation.DIRECTORY)
  private String model = "";

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "DIR",
      description = "PEFT directory of the adapter")
  private Path adapter = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "new directory for the merged model")
  private Path out = Path.of("");

  @Mixin private OutputOptions output = new OutputOptions();

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Path base = ModelLocation.resolve(model);
    Adapter merged = PeftAdapter.read(adapter, ModelConfig.read(base).linearLayers());
    int tensors;
    try (ModelFiles files = ModelFiles.open(base)) {
      tensors = // what bitsandbytes keeps beside a weight is not written
          (int) files.names().stream().filter(name -> !name.contains(".weight.")).count();
    }
    try (OutputDirectory written = OutputDirectory.open(out, output.overwrite(), base, adapter);
        Progress progress = new Progress("merging", 50)) {
      ModelMerger.merge(
          base, merged, written.path(), (name, done) -> progress.show(done + 1L, tensors, name));
      written.publish();
    }
    System.out.println(json ? Json.line(Map.of("model", out.toString())) : "model: " + out);
    return 0;
  }
}
