package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.Logits;
import org.edgefit.file.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes a model's logits, to compare with other tools. */
@Command(
    name = "logits",
    description = "Writes the float32 logits of every position of a text of token ids.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class LogitsCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--ids",
      required = true,
      split = "\\s*,\\s*",
      paramLabel = "ID",
      description = "the token ids, separated by commas")
  private List<Integer> ids = List.of();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.safetensors",
      description = "file for the tensor \"logits\", (tokens, vocabulary)")
  private Path out = Path.of("");

  @Option(
      names = "--quantization",
      description =
          "quantisation of a full-precision base: ${COMPLETION-CANDIDATES} (default: none, the"
              + " checkpoint as is)")
  private Quantization quantization = Quantization.NONE;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @Mixin private MachineOptions machine = new MachineOptions();

  @Override
  public Integer call() throws IOException {
    machine.apply();
    var adapter = model.readAdapter();
    try (BaseModel base = model.load(quantization, machine)) {
      Logits.write(base, adapter, ids.stream().mapToInt(Integer::intValue).toArray(), out);
    }
    System.out.println(json ? Json.line(Map.of("logits", out.toString())) : "logits: " + out);
    return 0;
  }
}
