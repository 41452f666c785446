package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.GenerationOptions;
import org.edgefit.client.qlora.TextGenerator;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Answers instructions. */
@Command(
    name = "generate",
    description = "Answers instructions, taking the likeliest token each time or drawing it.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class GenerateCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "an instruction; several may be given")
  private List<String> prompts = List.of();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "a file of instructions, a line each")
  private @Nullable Path promptFile;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "most tokens of an answer (default: ${DEFAULT-VALUE})")
  private int maxTokens = 128;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "draw tokens at this temperature (default: 0, the likeliest token)")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "draw among the K likeliest tokens (default: all)")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "draw among the fewest likeliest tokens of this probability (default: 1)")
  private double topP = 1;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "make tokens that the text has already less likely (default: 1, no change)")
  private double repetitionPenalty = 1;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "end an answer before this text; several may be given")
  private List<String> stops = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "seed of the draws (default: ${DEFAULT-VALUE})")
  private long seed;

  @Mixin private InferenceOptions inference = new InferenceOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Override
  public Integer call() throws IOException {
    List<String> instructions = new ArrayList<>(prompts);
    if (promptFile != null) {
      instructions.addAll(TextFile.read(promptFile).lines().toList());
    }
    if (instructions.isEmpty()) {
      throw new IllegalArgumentException("--prompt, --prompts: none (expected: an instruction)");
    }
    GenerationOptions options =
        new GenerationOptions(maxTokens, temperature, topK, topP, repetitionPenalty, stops, seed);
    machine.apply();
    var adapter = model.readAdapter();
    try (BaseModel base = model.load(inference.quantization(), machine);
        TextGenerator generator = new TextGenerator(base, adapter);
        Progress progress = new Progress("answering", 10)) {
      int positions = base.config().maxPositions();
      RunSettings settings =
          inference
              .settings()
              .withMaxLength(Math.max(2, positions - Math.min(maxTokens, positions / 2)));
      List<String> answers =
          generator.answers(
              instructions,
              options,
              settings,
              (done, of) -> {
                if (of > 1) {
                  progress.show(done, of, "");
                }
              });
      for (String answer : answers) {
        System.out.println(inference.json() ? Json.line(Map.of("answer", answer)) : answer);
      }
    }
    return 0;
  }
}
