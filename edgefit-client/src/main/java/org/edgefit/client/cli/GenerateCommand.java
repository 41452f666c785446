package org.edgefit.client.cli;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.GenerationOptions;
import org.edgefit.client.qlora.TextGenerator;
import org.edgefit.format.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Answers one instruction. */
@Command(
    name = "generate",
    description = "Answers an instruction, taking the likeliest token each time.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class GenerateCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "the instruction")
  private String prompt = "";

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "most tokens of the answer (default: ${DEFAULT-VALUE})")
  private int maxTokens = 128;

  @Mixin private InferenceOptions inference = new InferenceOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Override
  public Integer call() throws IOException {
    var adapter = model.readAdapter();
    machine.apply();
    try (BaseModel base = model.load(inference.quantization());
        TextGenerator generator = new TextGenerator(base, adapter)) {
      Training settings =
          inference.settings().toBuilder()
              .maxLength(Math.max(2, base.config().maxPositions() - maxTokens))
              .build();
      String answer = generator.answer(prompt, GenerationOptions.greedy(maxTokens), settings);
      System.out.println(inference.json() ? Json.line(Map.of("answer", answer)) : answer);
    }
    return 0;
  }
}
