package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.model.ModelQuantizer;
import org.edgefit.file.Json;
import org.edgefit.file.OutputDirectory;
import org.edgefit.format.model.ModelFiles;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes a base model in 4 bits. */
@Command(
    name = "quantize",
    description =
        "Writes a full-precision model in NF4 with double quantisation, in bitsandbytes' layout,"
            + " which transformers and edgefit-client load.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class QuantizeCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "the full-precision model: " + ModelLocation.DIRECTORY)
  private String model = "";

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "new directory for the quantised model")
  private Path out = Path.of("");

  @Mixin private OutputOptions output = new OutputOptions();

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Path base = ModelLocation.resolve(model);
    int tensors;
    try (ModelFiles files = ModelFiles.open(base)) {
      tensors = files.names().size();
    }
    try (OutputDirectory written = OutputDirectory.open(out, output.overwrite(), base);
        Progress progress = new Progress("quantising", 50)) {
      ModelQuantizer.quantize(
          base, written.path(), (name, done) -> progress.show(done + 1L, tensors, name));
      written.publish();
    }
    System.out.println(json ? Json.line(Map.of("model", out.toString())) : "model: " + out);
    return 0;
  }
}
