package org.edgefit.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.adapter.LinearSpec;

/**
 * The shape of a decoder-only base model, read from a Hugging Face {@code config.json}.
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
 * @param ropeTheta the base of the rotary frequencies
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
    double ropeTheta,
    int maxPositions,
    boolean tiedEmbeddings,
    int bosTokenId,
    Set<Integer> eosTokenIds) {

  /** The architectures that the engine computes, as {@code model_type} spells them. */
  public static final Set<String> MODEL_TYPES = Set.of("llama");

  /** The file's name in a model directory. */
  public static final String FILE = "config.json";

  /** Checks that the heads fit each other. */
  public ModelConfig {
    if (heads % keyValueHeads != 0) {
      throw new IllegalArgumentException(
          "num_key_value_heads: "
              + keyValueHeads
              + " (expected: a divisor of num_attention_heads, "
              + heads
              + ")");
    }
    if (headSize % 2 != 0) {
      throw new IllegalArgumentException("head_dim: " + headSize + " (expected: even)");
    }
    eosTokenIds = Set.copyOf(eosTokenIds);
  }

  /**
   * Reads the {@code config.json} of a model directory.
   *
   * @throws IOException naming the file and key if a value is missing, bad or not supported
   */
  public static ModelConfig read(Path directory) throws IOException {
    Path file = directory.resolve(FILE);
    return new Reader(file, Json.read(file)).config();
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

  /** Returns every linear layer inside the decoder blocks, in the order of the forward pass. */
  public List<LinearSpec> linearLayers() {
    List<LinearSpec> specs = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      String attention = "model.layers." + layer + ".self_attn.";
      String mlp = "model.layers." + layer + ".mlp.";
      specs.add(new LinearSpec(attention + "q_proj", hiddenSize, heads * headSize));
      specs.add(new LinearSpec(attention + "k_proj", hiddenSize, keyValueHeads * headSize));
      specs.add(new LinearSpec(attention + "v_proj", hiddenSize, keyValueHeads * headSize));
      specs.add(new LinearSpec(attention + "o_proj", heads * headSize, hiddenSize));
      specs.add(new LinearSpec(mlp + "gate_proj", hiddenSize, intermediateSize));
      specs.add(new LinearSpec(mlp + "up_proj", hiddenSize, intermediateSize));
      specs.add(new LinearSpec(mlp + "down_proj", intermediateSize, hiddenSize));
    }
    return specs;
  }

  /** Returns the number of weights in the whole model: what full-model federation would move. */
  public long parameters() {
    long embeddings = (long) vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
    long norms = (2L * layers + 1) * hiddenSize;
    long linear =
        linearLayers().stream().mapToLong(spec -> (long) spec.inputs() * spec.outputs()).sum();
    return embeddings + norms + linear;
  }

  /** One reading of one file. */
  private record Reader(Path file, ObjectNode json) {

    ModelConfig config() throws IOException {
      String modelType = json.path("model_type").asText();
      if (!MODEL_TYPES.contains(modelType)) {
        throw refused("model_type", json.path("model_type"), "one of " + MODEL_TYPES);
      }
      requireOr("hidden_act", "silu");
      requireOff("attention_bias");
      requireOff("mlp_bias");
      JsonNode rope = rope();
      int heads = positive("num_attention_heads");
      int hidden = positive("hidden_size");
      int headSize = json.hasNonNull("head_dim") ? positive("head_dim") : hidden / heads;
      int keyValueHeads =
          json.hasNonNull("num_key_value_heads") ? positive("num_key_value_heads") : heads;
      try {
        return new ModelConfig(
            modelType,
            hidden,
            positive("intermediate_size"),
            positive("num_hidden_layers"),
            heads,
            keyValueHeads,
            headSize,
            positive("vocab_size"),
            number(json, "rms_norm_eps", 1e-6),
            number(rope, "rope_theta", number(json, "rope_theta", 10000)),
            json.hasNonNull("max_position_embeddings") ? positive("max_position_embeddings") : 2048,
            json.path("tie_word_embeddings").asBoolean(false),
            json.path("bos_token_id").asInt(-1),
            ids("eos_token_id"));
      } catch (IllegalArgumentException e) {
        throw new IOException(file + ": " + e.getMessage(), e);
      }
    }

    /** Newer files keep {@code rope_parameters}, older ones {@code rope_scaling}. */
    private JsonNode rope() throws IOException {
      for (String key : List.of("rope_parameters", "rope_scaling")) {
        if (json.hasNonNull(key)) {
          JsonNode rope = json.get(key);
          String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
          if (!type.equals("default")) {
            throw refused(key, rope, "rope_type default");
          }
          return rope;
        }
      }
      return Json.object();
    }

    private void requireOr(String key, String expected) throws IOException {
      if (json.hasNonNull(key) && !json.get(key).asText().equals(expected)) {
        throw refused(key, json.get(key), expected);
      }
    }

    private void requireOff(String key) throws IOException {
      if (json.path(key).asBoolean(false)) {
        throw refused(key, json.get(key), "false");
      }
    }

    private int positive(String key) throws IOException {
      JsonNode value = json.path(key);
      if (!value.isInt() || value.intValue() < 1) {
        throw refused(key, value, "a whole number >= 1");
      }
      return value.intValue();
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

    private Set<Integer> ids(String key) {
      Set<Integer> ids = new TreeSet<>();
      JsonNode value = json.path(key);
      if (value.isArray()) {
        value.forEach(id -> ids.add(id.asInt()));
      } else if (value.isInt()) {
        ids.add(value.intValue());
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
