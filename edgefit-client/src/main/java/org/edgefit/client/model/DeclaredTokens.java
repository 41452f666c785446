package org.edgefit.client.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.file.Json;

/**
 * The tokens that files beside {@code tokenizer.json} declare, as transformers takes them: {@code
 * added_tokens_decoder} of {@code tokenizer_config.json} or else {@code added_tokens.json}, then
 * those that have a name, then {@code additional_special_tokens}. One that the tokenizer does not
 * have as an added token becomes one: with its id in the vocabulary if it is there, else with the
 * next.
 */
final class DeclaredTokens {

  private static final String ADDED = "added_tokens";
  private static final String END = "<|endoftext|>";

  /** The names that every tokenizer has, in the order in which their tokens are added. */
  private static final List<String> NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /** What classes of tokenizers take where no file names a token. */
  private static final Map<String, Map<String, String>> DEFAULTS =
      Map.of(
          "Qwen2Tokenizer", Map.of("eos_token", END, "unk_token", END, "pad_token", END),
          "GPT2Tokenizer", Map.of("bos_token", END, "eos_token", END, "unk_token", END),
          "LlamaTokenizer", Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>"));

  private final Map<String, String> named = new LinkedHashMap<>();
  private final List<ObjectNode> declared = new ArrayList<>();

  /**
   * Reads the files beside a tokenizer.
   *
   * @throws IOException if one is broken, or a special token is no text
   */
  DeclaredTokens(Path directory, ObjectNode config, ObjectNode tokenizer) throws IOException {
    Path file = directory.resolve("tokenizer_config.json");
    Path mapFile = directory.resolve("special_tokens_map.json");
    Path addedFile = directory.resolve("added_tokens.json");
    TreeMap<Long, ObjectNode> byId = new TreeMap<>();
    ObjectNode map = Json.object();
    if (config.path("added_tokens_decoder").isObject()) {
      for (Map.Entry<String, JsonNode> entry : config.get("added_tokens_decoder").properties()) {
        if (!entry.getKey().matches("[0-9]{1,9}")
            || !entry.getValue().path("content").isTextual()) {
          throw new IOException(
              file + ": added_tokens_decoder: " + entry + " (expected: an id and its content)");
        }
        byId.put(Long.parseLong(entry.getKey()), flags(entry.getValue()));
      }
    } else {
      map = Files.exists(mapFile) ? Json.read(mapFile) : map;
      ObjectNode added = Files.exists(addedFile) ? Json.read(addedFile) : Json.object();
      for (Map.Entry<String, JsonNode> entry : added.properties()) {
        if (!entry.getValue().isIntegralNumber()) {
          throw new IOException(
              addedFile + ": " + entry.getKey() + ": " + entry.getValue() + " (expected: an id)");
        }
        byId.put(entry.getValue().asLong(), special(entry.getKey()));
      }
    }
    declared.addAll(byId.values());
    for (String name : NAMES) {
      name(name, map.has(name) ? map.get(name) : config.path(name), map.has(name) ? mapFile : file);
    }
    defaults(config, map, tokenizer);
    for (Map.Entry<String, JsonNode> entry : config.properties()) {
      String key = entry.getKey();
      if (key.endsWith("_token") && !key.startsWith("add_") && !NAMES.contains(key)) {
        name(key, entry.getValue(), file);
      }
    }
    for (Map.Entry<String, JsonNode> entry : config.path("extra_special_tokens").properties()) {
      name(entry.getKey(), entry.getValue(), file);
    }
    named.values().forEach(text -> declared.add(special(text)));
    for (JsonNode token : config.path("additional_special_tokens")) {
      declared.add(special(text(token, "additional_special_tokens", file)));
    }
  }

  private void name(String name, JsonNode token, Path file) throws IOException {
    if (!token.isMissingNode() && !token.isNull()) {
      named.put(name, text(token, name, file));
    }
  }

  private void defaults(ObjectNode config, ObjectNode map, ObjectNode tokenizer) {
    String type = config.path("tokenizer_class").asText("").replaceFirst("Fast$", "");
    // A Llama tokenizer of bytes is taken for one without a class.
    boolean isOfBytes = tokenizer.path("decoder").toString().contains("ByteLevel");
    if (!(type.equals("LlamaTokenizer") && isOfBytes)) {
      DEFAULTS
          .getOrDefault(type, Map.of())
          .forEach(
              (name, text) -> {
                if (!config.has(name) && !map.has(name)) {
                  named.put(name, text);
                }
              });
    }
  }

  private static String text(JsonNode token, String name, Path file) throws IOException {
    JsonNode text = token.isObject() ? token.path("content") : token;
    if (!text.isTextual()) {
      throw new IOException(file + ": " + name + ": " + token + " (expected: a token's text)");
    }
    return text.asText();
  }

  private static ObjectNode special(String text) {
    return flags(Json.object().put("content", text).put("special", true));
  }

  private static ObjectNode flags(JsonNode token) {
    boolean isSpecial = token.path("special").asBoolean(false);
    return Json.object()
        .put("content", token.path("content").asText())
        .put("single_word", token.path("single_word").asBoolean(false))
        .put("lstrip", token.path("lstrip").asBoolean(false))
        .put("rstrip", token.path("rstrip").asBoolean(false))
        .put("normalized", token.path("normalized").asBoolean(!isSpecial))
        .put("special", isSpecial);
  }

  /** Returns the tokens that have a name, such as {@code eos_token}, by name. */
  Map<String, String> named() {
    return named;
  }

  /** Adds what the tokenizer lacks, and returns whether that is anything. */
  boolean addTo(ObjectNode tokenizer) {
    ArrayNode added =
        tokenizer.path(ADDED) instanceof ArrayNode there ? there : tokenizer.putArray(ADDED);
    Set<String> present = new HashSet<>();
    long last = -1;
    for (JsonNode token : added) {
      present.add(token.path("content").asText());
      last = Math.max(last, token.path("id").asLong());
    }
    int before = added.size();
    for (ObjectNode token : declared) {
      String text = token.get("content").asText();
      if (!text.isEmpty() && present.add(text)) {
        JsonNode vocabulary = tokenizer.path("model").path("vocab");
        long id = id(vocabulary, text);
        if (id < 0) {
          id = Math.max(last + 1, vocabulary.size());
        }
        last = Math.max(last, id);
        added.add(Json.object().put("id", id).setAll(token));
      }
    }
    return added.size() > before;
  }

  private static long id(JsonNode vocabulary, String text) {
    if (vocabulary.isObject()) {
      return vocabulary.path(text).asLong(-1);
    }
    for (int i = 0; i < vocabulary.size(); i++) { // a unigram model's pairs of text and score
      if (vocabulary.get(i).path(0).asText().equals(text)) {
        return i;
      }
    }
    return -1;
  }

  /** Returns a tokenizer as a file has it. */
  static byte[] bytes(ObjectNode tokenizer) {
    return tokenizer.toString().getBytes(StandardCharsets.UTF_8);
  }
}
