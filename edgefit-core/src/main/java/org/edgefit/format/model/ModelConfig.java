package org.edgefit.format.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.edgefit.adapter.LinearSpec;

/**
 * The shape of a decoder-only base model, read from a Hugging Face {@code config.json}. One decoder
 * implements every architecture; they differ in these values.
 *
 * <p>An unsupported architecture or option is an error naming its key, so that a model never runs
 * with the wrong computation.
 *
 * @param modelType the architecture, for example {@code llama}
 * @param hiddenSize the width of the residual stream
 * @param intermediateSize the width of the MLP
 * @param layers the number of decoder layers
 * @param heads the number of query heads
 * @param keyValueHeads the number of key and value heads; divides {@code heads}
 * @param headSize the width of one head
 * @param vocabularySize the number of token ids
 * @param rmsNormEps the epsilon of the RMS norms
 * @param rope the rotary position embeddings
 * @param windows for each layer, how many tokens a token sees, itself included; 0 for all
 * @param fused whether query, key and value are one linear layer, and gate and up another
 * @param biases the linear layers that have a bias, for example {@code q_proj}
 * @param maxPositions the longest sequence that the model was made for, in tokens
 * @param tiedEmbeddings whether the output head is the embedding matrix
 * @param bosTokenId the id that starts a text, or -1
 * @param eosTokenIds the ids that end a text; may be empty
 */
public record ModelConfig(
    String modelType,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headSize,
    int vocabularySize,
    double rmsNormEps,
    RopeConfig rope,
    List<Integer> windows,
    boolean fused,
    Set<String> biases,
    int maxPositions,
    boolean tiedEmbeddings,
    int bosTokenId,
    Set<Integer> eosTokenIds) {

  /** The architectures that the engine computes, as {@code model_type} spells them. */
  public static final Set<String> MODEL_TYPES = Set.of("llama", "mistral", "phi3", "qwen2");

  /** The file's name in a model directory. */
  public static final String FILE = "config.json";

  /** What a directory has that is an adapter's. */
  private static final String ADAPTER = "adapter_config.json";

  /** Checks that the heads fit each other. */
  public ModelConfig {
    if (keyValueHeads < 1 || heads % keyValueHeads != 0) {
      throw new IllegalArgumentException(
          "num_key_value_heads: "
              + keyValueHeads
              + " (expected: a divisor of num_attention_heads, "
              + heads
              + ")");
    }
    if (rope.dimensions() > headSize) {
      throw new IllegalArgumentException(
          "rotary dimensions: " + rope.dimensions() + " (expected: at most " + headSize + ")");
    }
    if (windows.size() != layers) {
      throw new IllegalArgumentException(
          "windows: " + windows.size() + " (expected: one for each of " + layers + " layers)");
    }
    windows = List.copyOf(windows);
    biases = Set.copyOf(biases);
    eosTokenIds = Set.copyOf(eosTokenIds);
  }

  /**
   * Reads the {@code config.json} of a model directory, or the metadata of a GGUF file.
   *
   * @throws IOException naming the file and key if a value is missing, bad or not supported
   */
  public static ModelConfig read(Path directory) throws IOException {
    if (GgufModel.isGguf(directory)) {
      try (GgufModel model = GgufModel.open(directory)) {
        return model.config();
      }
    }
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory + ": not found (expected: a model directory)");
    }
    Path file = directory.resolve(FILE);
    if (!Files.exists(file) && Files.exists(directory.resolve(ADAPTER))) {
      throw new IOException(directory + ": an adapter (expected: a model)");
    }
    HuggingFaceConfig config = HuggingFaceConfig.read(file);
    Path generation = directory.resolve("generation_config.json");
    return config.config(Files.exists(generation) ? HuggingFaceConfig.read(generation) : config);
  }

  /**
   * Returns the shape of a well-known model, for planning and measuring without its files.
   *
   * @param name one of {@code smollm2-135m}, {@code smollm2-360m}, {@code phi-3-mini} and {@code
   *     llama-2-7b}
   */
  public static ModelConfig shape(String name) {
    return switch (name) {
      case "smollm2-135m" -> llama(576, 1536, 30, 9, 3, 49152, 100000, 8192, true);
      case "smollm2-360m" -> llama(960, 2560, 32, 15, 5, 49152, 100000, 8192, true);
      case "llama-2-7b" -> llama(4096, 11008, 32, 32, 32, 32000, 10000, 4096, false);
      case "phi-3-mini" ->
          new ModelConfig(
              "phi3",
              3072,
              8192,
              32,
              32,
              32,
              96,
              32064,
              1e-5,
              new RopeConfig(10000, 96, new RopeConfig.Unscaled()),
              Collections.nCopies(32, 2047),
              true,
              Set.of(),
              4096,
              false,
              1,
              Set.of(32000));
      default ->
          throw new IllegalArgumentException(
              "model: "
                  + name
                  + " (expected: a directory with config.json, or one of smollm2-135m,"
                  + " smollm2-360m, phi-3-mini, llama-2-7b)");
    };
  }

  private static ModelConfig llama(
      int hidden,
      int intermediate,
      int layers,
      int heads,
      int keyValueHeads,
      int vocabulary,
      double theta,
      int positions,
      boolean tied) {
    return new ModelConfig(
        "llama",
        hidden,
        intermediate,
        layers,
        heads,
        keyValueHeads,
        hidden / heads,
        vocabulary,
        1e-5,
        new RopeConfig(theta, hidden / heads, new RopeConfig.Unscaled()),
        Collections.nCopies(layers, 0),
        false,
        Set.of(),
        positions,
        tied,
        1,
        Set.of(2));
  }

  /**
   * Checks a sequence length against the model.
   *
   * @throws IllegalArgumentException if the model was made for shorter ones
   */
  public void requireLength(int maxLength) {
    if (maxLength > maxPositions) {
      throw new IllegalArgumentException(
          "maxLength: "
              + maxLength
              + " (expected: at most "
              + maxPositions
              + ", the model's max_position_embeddings)");
    }
  }

  /** Returns the values of a query, key and value of one token, over all heads. */
  public int attentionWidth() {
    return (heads + 2 * keyValueHeads) * headSize;
  }

  /** Returns every linear layer inside the decoder blocks, in the order of the forward pass. */
  public List<LinearSpec> linearLayers() {
    List<LinearSpec> specs = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      linearGroups(layer).forEach(specs::addAll);
    }
    return specs;
  }

  /**
   * Returns the linear layers of one block by their input: those that make query, key and value,
   * the attention's output, those that make gate and up, and the MLP's output.
   */
  public List<List<LinearSpec>> linearGroups(int layer) {
    String attention = "model.layers." + layer + ".self_attn.";
    String mlp = "model.layers." + layer + ".mlp.";
    int attended = heads * headSize;
    int keys = keyValueHeads * headSize;
    return List.of(
        fused
            ? List.of(new LinearSpec(attention + "qkv_proj", hiddenSize, attentionWidth()))
            : List.of(
                new LinearSpec(attention + "q_proj", hiddenSize, attended),
                new LinearSpec(attention + "k_proj", hiddenSize, keys),
                new LinearSpec(attention + "v_proj", hiddenSize, keys)),
        List.of(new LinearSpec(attention + "o_proj", attended, hiddenSize)),
        fused
            ? List.of(new LinearSpec(mlp + "gate_up_proj", hiddenSize, 2 * intermediateSize))
            : List.of(
                new LinearSpec(mlp + "gate_proj", hiddenSize, intermediateSize),
                new LinearSpec(mlp + "up_proj", hiddenSize, intermediateSize)),
        List.of(new LinearSpec(mlp + "down_proj", intermediateSize, hiddenSize)));
  }

  /** Returns the names of the attention's linear layers, the default LoRA targets. */
  public List<String> attentionTargets() {
    List<List<LinearSpec>> groups = linearGroups(0);
    return Stream.of(groups.get(0), groups.get(1))
        .flatMap(List::stream)
        .map(LinearSpec::target)
        .toList();
  }

  /** Returns the number of weights in the whole model: what full-model federation would send. */
  public long parameters() {
    long embeddings = (long) vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
    long norms = (2L * layers + 1) * hiddenSize;
    long linear =
        linearLayers().stream()
            .mapToLong(
                spec ->
                    (long) spec.inputs() * spec.outputs()
                        + (biases.contains(spec.target()) ? spec.outputs() : 0))
            .sum();
    return embeddings + norms + linear;
  }
}
