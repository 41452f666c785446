package org.edgefit.format.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.file.Json;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a decoder-only base model, read from a Hugging Face {@code config.json}. One decoder
 * computes every architecture: what sets them apart is in these values.
 *
 * <p>An architecture or an option that the engine does not compute is refused by its key, so that a
 * model is never run as something that it is not.
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
      throw new NoSuchFileException(directory + ": no such directory (expected: a model's)");
    }
    Path file = directory.resolve(FILE);
    if (!Files.exists(file) && Files.exists(directory.resolve(PeftAdapter.CONFIG))) {
      throw new IOException(directory + ": an adapter (expected: a model)");
    }
    Reader reader = new Reader(file, Json.read(file));
    Path generation = directory.resolve("generation_config.json");
    return reader.config(
        Files.exists(generation) ? new Reader(generation, Json.read(generation)) : reader);
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
   * Checks that texts of a length fit the model.
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

  /** Returns the names of the linear layers of the attention, which an adapter targets first. */
  public List<String> attentionTargets() {
    List<List<LinearSpec>> groups = linearGroups(0);
    return Stream.of(groups.get(0), groups.get(1))
        .flatMap(List::stream)
        .map(LinearSpec::target)
        .toList();
  }

  /** Returns the number of weights in the whole model: what full-model federation would move. */
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

  /** One reading of one file. */
  private record Reader(Path file, ObjectNode json) {

    /** The longest sequence where the file does not say, as transformers has it. */
    private static final Map<String, Integer> DEFAULT_POSITIONS =
        Map.of("llama", 2048, "mistral", 131072, "phi3", 4096, "qwen2", 32768);

    /**
     * Reads the config.
     *
     * @param generation the file that says which tokens end an answer, if it names any
     */
    ModelConfig config(Reader generation) throws IOException {
      String modelType = json.path("model_type").asText();
      if (!MODEL_TYPES.contains(modelType)) {
        throw refused(
            "model_type", json.path("model_type"), "one of " + new TreeSet<>(MODEL_TYPES));
      }
      requireOr("hidden_act", "silu");
      requireQuantization();
      if (!json.path("is_causal").asBoolean(true)) {
        throw refused("is_causal", json.get("is_causal"), "true");
      }
      if (!json.path("per_layer_config").isEmpty()) {
        throw refused("per_layer_config", json.get("per_layer_config"), "none");
      }
      int heads = positive("num_attention_heads");
      int hidden = positive("hidden_size");
      int headSize = positiveOr("head_dim", hidden / heads);
      int layers = positive("num_hidden_layers");
      if (layers > 4096) {
        throw refused("num_hidden_layers", json.get("num_hidden_layers"), "1 to 4096");
      }
      int maxPositions = positiveOr("max_position_embeddings", DEFAULT_POSITIONS.get(modelType));
      try {
        return new ModelConfig(
            modelType,
            hidden,
            positive("intermediate_size"),
            layers,
            heads,
            keyValueHeads(modelType, heads),
            headSize,
            positive("vocab_size"),
            epsilon(modelType),
            rope(modelType, headSize, maxPositions),
            windows(modelType, layers),
            modelType.equals("phi3"),
            biases(modelType),
            maxPositions,
            flag("tie_word_embeddings"),
            ids("bos_token_id").stream().findFirst().orElse(-1),
            (generation.json.hasNonNull("eos_token_id") ? generation : this).ids("eos_token_id"));
      } catch (IllegalArgumentException e) {
        throw new IOException(file + ": " + e.getMessage(), e);
      }
    }

    /** Files of some architectures may leave the number out, and mean another than all heads. */
    private int keyValueHeads(String modelType, int heads) throws IOException {
      if (json.has("num_key_value_heads")) {
        return positiveOr("num_key_value_heads", heads);
      }
      return switch (modelType) {
        case "mistral" -> 8;
        case "qwen2" -> 32;
        default -> heads;
      };
    }

    /** Newer files keep everything in {@code rope_parameters}, older ones spread it. */
    private RopeConfig rope(String modelType, int headSize, int maxPositions) throws IOException {
      for (String name : List.of("rope_scaling", "rope_parameters")) {
        if (json.hasNonNull(name) && !json.get(name).isObject()) {
          throw refused(name, json.get(name), "an object");
        }
      }
      boolean older = json.hasNonNull("rope_scaling") && !json.get("rope_scaling").isEmpty();
      String key = older ? "rope_scaling" : "rope_parameters";
      JsonNode rope = json.hasNonNull(key) ? json.get(key) : Json.object();
      boolean isPhi = modelType.equals("phi3");
      double partial =
          isPhi
              ? number(rope, "partial_rotary_factor", number(json, "partial_rotary_factor", 1))
              : 1;
      String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
      boolean isKnown =
          isPhi ? Set.of("default", "longrope", "su", "yarn").contains(type) : !type.equals("yarn");
      RopeConfig.Scaling scaling =
          switch (isKnown ? type : "") {
            case "default" -> new RopeConfig.Unscaled();
            case "linear" -> new RopeConfig.Linear(required(rope, key, "factor"));
            case "llama3" ->
                new RopeConfig.Llama3(
                    required(rope, key, "factor"),
                    required(rope, key, "low_freq_factor"),
                    required(rope, key, "high_freq_factor"),
                    number(rope, "original_max_position_embeddings", maxPositions));
            case "longrope", "su", "yarn" -> longRope(rope, key, isPhi ? 4096 : 0, maxPositions);
            default ->
                throw refused(
                    key,
                    rope,
                    "rope_type one of default, longrope" + (isPhi ? "" : ", linear, llama3"));
          };
      return new RopeConfig(
          number(rope, "rope_theta", number(json, "rope_theta", 10000)),
          (int) (headSize * partial),
          scaling);
    }

    /** The file's own original length counts before that of the scaling, as in transformers. */
    private RopeConfig.LongRope longRope(
        JsonNode rope, String key, int defaultOriginal, int maxPositions) throws IOException {
      double inRope = number(rope, "original_max_position_embeddings", maxPositions);
      int original =
          (int)
              number(
                  json,
                  "original_max_position_embeddings",
                  defaultOriginal > 0 ? defaultOriginal : inRope);
      double factor = number(rope, "factor", (double) maxPositions / original);
      double attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
      return new RopeConfig.LongRope(
          numbers(rope, key, "short_factor"),
          numbers(rope, key, "long_factor"),
          original,
          number(rope, "attention_factor", attention));
    }

    private double required(JsonNode from, String outer, String key) throws IOException {
      if (!from.hasNonNull(key)) {
        throw refused(outer, from, "with the key " + key);
      }
      return number(from, key, 0);
    }

    private List<Double> numbers(JsonNode from, String outer, String key) throws IOException {
      List<Double> numbers = new ArrayList<>();
      for (JsonNode value : from.path(key)) {
        numbers.add(value.asDouble(Double.NaN));
      }
      if (numbers.isEmpty() || !numbers.stream().allMatch(value -> value > 0)) {
        throw refused(outer, from, "with the key " + key + ", a list of numbers > 0");
      }
      return numbers;
    }

    /** How many tokens each layer sees. */
    private List<Integer> windows(String modelType, int layers) throws IOException {
      boolean isQwen = modelType.equals("qwen2");
      int window = 0;
      if (isQwen ? flag("use_sliding_window") : !modelType.equals("llama")) {
        boolean isDefault = !json.has("sliding_window") && !modelType.equals("phi3");
        window = isDefault ? 4096 : positiveOr("sliding_window", 0);
      }
      // Phi-3 has its window in every layer, whatever the file says of them.
      JsonNode types = modelType.equals("phi3") ? Json.object() : json.path("layer_types");
      if (types.isArray() && types.size() != layers) {
        throw refused("layer_types", types, "as many as num_hidden_layers, " + layers);
      }
      int firstWindowed = isQwen ? 28 : 0;
      if (isQwen && json.hasNonNull("max_window_layers")) {
        firstWindowed = whole("max_window_layers", 0);
      }
      List<Integer> windows = new ArrayList<>();
      for (int layer = 0; layer < layers; layer++) {
        String type =
            types
                .path(layer)
                .asText(layer < firstWindowed ? "full_attention" : "sliding_attention");
        if (!type.equals("full_attention") && !type.equals("sliding_attention")) {
          throw refused("layer_types", types, "full_attention and sliding_attention");
        }
        if (isQwen && window == 0 && types.isArray() && type.equals("sliding_attention")) {
          throw refused("layer_types", types, "full_attention, for use_sliding_window is off");
        }
        windows.add(type.equals("full_attention") ? 0 : window);
      }
      return windows;
    }

    private Set<String> biases(String modelType) throws IOException {
      Set<String> biases = new TreeSet<>();
      if (modelType.equals("qwen2")) {
        biases.addAll(List.of("q_proj", "k_proj", "v_proj"));
      }
      if (modelType.equals("llama") && flag("attention_bias")) {
        biases.addAll(List.of("q_proj", "k_proj", "v_proj", "o_proj"));
      }
      if (modelType.equals("llama") && flag("mlp_bias")) {
        biases.addAll(List.of("gate_proj", "up_proj", "down_proj"));
      }
      return biases;
    }

    private void requireOr(String key, String expected) throws IOException {
      if (json.hasNonNull(key) && !json.get(key).asText().equals(expected)) {
        throw refused(key, json.get(key), expected);
      }
    }

    /** Weights that are stored otherwise than plain or in 4 bits by bitsandbytes are not read. */
    private void requireQuantization() throws IOException {
      JsonNode quantization = json.path("quantization_config");
      if (quantization.isMissingNode() || quantization.isNull()) {
        return;
      }
      String method = quantization.path("quant_method").asText("bitsandbytes");
      if (!method.equals("bitsandbytes") || quantization.path("load_in_8bit").asBoolean(false)) {
        throw refused("quantization_config", quantization, "bitsandbytes in 4 bits, or none");
      }
    }

    private double epsilon(String modelType) throws IOException {
      if (json.has("rms_norm_eps") && json.get("rms_norm_eps").isNull()) {
        throw refused("rms_norm_eps", json.get("rms_norm_eps"), "a number > 0");
      }
      return number(json, "rms_norm_eps", modelType.equals("phi3") ? 1e-5 : 1e-6);
    }

    /** Returns a setting that is off where the file does not have it. */
    private boolean flag(String key) throws IOException {
      JsonNode value = json.path(key);
      if (!value.isMissingNode() && !value.isBoolean()) {
        throw refused(key, value, "true or false");
      }
      return value.asBoolean(false);
    }

    private int positive(String key) throws IOException {
      return whole(key, 1);
    }

    private int whole(String key, int least) throws IOException {
      JsonNode value = json.path(key);
      if (!value.isInt() || value.intValue() < least) {
        throw refused(key, value, "a whole number >= " + least);
      }
      return value.intValue();
    }

    private int positiveOr(String key, @Nullable Integer otherwise) throws IOException {
      return json.hasNonNull(key) || otherwise == null ? positive(key) : otherwise;
    }

    private double number(JsonNode from, String key, double otherwise) throws IOException {
      if (!from.hasNonNull(key)) {
        return otherwise;
      }
      if (!from.get(key).isNumber() || !(from.get(key).doubleValue() > 0)) {
        throw refused(key, from.get(key), "a number > 0");
      }
      return from.get(key).doubleValue();
    }

    private Set<Integer> ids(String key) throws IOException {
      Set<Integer> ids = new TreeSet<>();
      JsonNode value = json.path(key);
      if (!json.hasNonNull(key)) {
        return ids;
      }
      for (JsonNode id : value.isArray() ? value : List.of(value)) {
        if (id.isInt()) {
          ids.add(id.intValue());
        } else {
          throw refused(key, value, "a token's id, or a list of ids");
        }
      }
      return ids;
    }

    private IOException refused(String key, JsonNode value, String expected) {
      return new IOException(
          file
              + ": "
              + key
              + ": "
              + (value.isMissingNode() ? "missing" : value)
              + " (expected: "
              + expected
              + ")");
    }
  }
}
