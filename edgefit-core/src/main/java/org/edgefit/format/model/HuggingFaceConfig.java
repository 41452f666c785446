package org.edgefit.format.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face {@code config.json} (or {@code generation_config.json}), read as transformers
 * reads it: with the defaults of each architecture where a key is missing.
 *
 * @param file the file, for messages
 * @param json what it holds
 */
record HuggingFaceConfig(Path file, ObjectNode json) {

  /** The longest sequence where the file does not say, as transformers has it. */
  private static final Map<String, Integer> DEFAULT_POSITIONS =
      Map.of("llama", 2048, "mistral", 131072, "phi3", 4096, "qwen2", 32768);

  /** Reads a file. */
  static HuggingFaceConfig read(Path file) throws IOException {
    return new HuggingFaceConfig(file, Json.read(file));
  }

  /**
   * Returns the shape.
   *
   * @param generation the file that says which tokens end an answer, if it names any
   */
  ModelConfig config(HuggingFaceConfig generation) throws IOException {
    String modelType = json.path("model_type").asText();
    if (!ModelConfig.MODEL_TYPES.contains(modelType)) {
      throw refused(
          "model_type",
          json.path("model_type"),
          "one of " + new TreeSet<>(ModelConfig.MODEL_TYPES));
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
        isPhi ? number(rope, "partial_rotary_factor", number(json, "partial_rotary_factor", 1)) : 1;
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
          types.path(layer).asText(layer < firstWindowed ? "full_attention" : "sliding_attention");
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
      throw refused(key, value, "an integer >= " + least);
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
