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

/** Generates responses. */
@Command(
    name = "generate",
    description = "Generates responses to instructions, greedily or by sampling.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class GenerateCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(names = "--prompt", paramLabel = "TEXT", description = "an instruction; repeatable")
  private List<String> prompts = List.of();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "a file, one instruction per line")
  private @Nullable Path promptFile;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "max new tokens (default: ${DEFAULT-VALUE})")
  private int maxTokens = 128;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "sampling temperature (default: 0, greedy decoding)")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "sample from the top K tokens (default: all)")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "nucleus sampling with this cumulative probability (default: 1)")
  private double topP = 1;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "penalty on tokens already in the text (default: 1, none)")
  private double repetitionPenalty = 1;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "stop string, not part of the output; repeatable")
  private List<String> stops = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "sampling seed (default: ${DEFAULT-VALUE})")
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
