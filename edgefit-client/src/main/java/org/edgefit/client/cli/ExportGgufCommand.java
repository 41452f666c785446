package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.peft.GgufAdapter;
import org.edgefit.format.peft.PeftAdapter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Writes an adapter for llama.cpp. */
@Command(
    name = "export-gguf",
    description = "Writes an adapter as a GGUF file, which llama.cpp applies with --lora.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ExportGgufCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "the adapter's base model: " + ModelLocation.ANY)
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
      paramLabel = "FILE.gguf",
      description = "the file to write")
  private Path out = Path.of("");

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    ModelConfig config = ModelConfig.read(ModelLocation.resolve(model));
    GgufAdapter.write(PeftAdapter.read(adapter, config.linearLayers()), config, out);
    System.out.println(json ? Json.line(Map.of("adapter", out.toString())) : "adapter: " + out);
    return 0;
  }
}
