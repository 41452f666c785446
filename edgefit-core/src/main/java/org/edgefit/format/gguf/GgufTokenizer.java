package org.edgefit.format.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.edgefit.file.Json;

/**
 * The tokenizer of a GGUF file as a {@code tokenizer.json} of Hugging Face's library. Two kinds are
 * known: byte-level BPE ({@code gpt2}), and SentencePiece BPE with scores ({@code llama}).
 */
public final class GgufTokenizer {

  private static final String KEY = "tokenizer.ggml.";

  /** The kinds of tokens. */
  private static final long NORMAL = 1;

  private static final long UNKNOWN = 2;
  private static final long CONTROL = 3;
  private static final long USER_DEFINED = 4;
  private static final long BYTE = 6;

  private static final String GPT_2_SPLIT =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private static final String LLAMA_3_SPLIT =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final Set<String> KEEPS_SPACE = Set.of("<unk>", "<s>", "<|endoftext|>");

  private final GgufFile file;
  private final List<String> tokens;
  private final List<Long> types;

  private GgufTokenizer(GgufFile file) throws IOException {
    this.file = file;
    this.tokens = file.list(KEY + "tokens", String.class);
    this.types = file.list(KEY + "token_type", Long.class);
    if (tokens.isEmpty()) {
      throw file.refused(KEY + "tokens", "a tokenizer in the file");
    }
    if (!types.isEmpty() && types.size() != tokens.size()) {
      throw file.refused(KEY + "token_type", "one for each of " + tokens.size() + " tokens");
    }
  }

  /**
   * Reads the tokenizer of a GGUF file.
   *
   * @throws IOException if there is none, or it is broken
   */
  public static GgufTokenizer read(Path path) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      return new GgufTokenizer(file);
    }
  }

  /** Returns the text of the token that begins a text, or an empty string. */
  public String bosToken() throws IOException {
    return token("bos_token_id");
  }

  /** Returns the text of the token that ends a text, or an empty string. */
  public String eosToken() throws IOException {
    return token("eos_token_id");
  }

  private String token(String key) throws IOException {
    int id = file.integer(KEY + key, -1);
    return id >= 0 && id < tokens.size() ? tokens.get(id) : "";
  }

  /** Returns the chat template, or an empty string. */
  public String chatTemplate() {
    return file.string("tokenizer.chat_template", "");
  }

  private long type(int id) {
    return types.isEmpty() ? NORMAL : types.get(id);
  }

  /**
   * Returns the {@code tokenizer.json}.
   *
   * @throws IOException if the tokenizer is of a kind that is not supported
   */
  public String toJson() throws IOException {
    ObjectNode json = Json.object();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    // The file does not say it, but these tokens of Phi-3 take the space after them.
    boolean isPhi =
        file.string("general.architecture", "").equals("phi3")
            && file.string(KEY + "model", "").equals("llama");
    for (int id = 0; id < tokens.size(); id++) {
      long type = type(id);
      if (type == UNKNOWN || type == CONTROL || type == USER_DEFINED) {
        ObjectNode token = added.addObject();
        token.put("id", id);
        token.put("content", tokens.get(id));
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
          token.put(flag, false);
        }
        token.put("rstrip", isPhi && type != UNKNOWN && !KEEPS_SPACE.contains(tokens.get(id)));
        token.put("special", type != USER_DEFINED);
      }
    }
    String model = file.string(KEY + "model", "");
    switch (model) {
      case "gpt2" -> byteLevel(json);
      case "llama" -> sentencePiece(json);
      default -> throw file.refused(KEY + "model", "gpt2 or llama");
    }
    return json.toString();
  }

  private ObjectNode vocabulary(ObjectNode json) {
    ObjectNode model = json.putObject("model");
    model.put("type", "BPE");
    model.putNull("dropout");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      vocabulary.put(tokens.get(id), id);
    }
    return model;
  }

  private void byteLevel(ObjectNode json) throws IOException {
    json.putNull("normalizer");
    ArrayNode steps =
        json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    boolean ignoreMerges = splitters(steps);
    json.putNull("post_processor");
    byteLevelStep(json.putObject("decoder"), true, true);
    ObjectNode model = vocabulary(json);
    model.putNull("unk_token");
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", ignoreMerges);
    ArrayNode merges = model.putArray("merges");
    for (String merge : file.list(KEY + "merges", String.class)) {
      int space = merge.indexOf(' ', 1);
      if (space < 0) {
        throw new IOException(file.path() + ": " + KEY + "merges: " + merge);
      }
      merges.addArray().add(merge.substring(0, space)).add(merge.substring(space + 1));
    }
  }

  /** Adds how text is cut before merging; returns whether whole words need no merging. */
  private boolean splitters(ArrayNode steps) throws IOException {
    String kind = file.string(KEY + "pre", "default");
    switch (kind) {
      case "gpt-2", "gpt2" -> byteLevelStep(steps.addObject(), false, true);
      case "smollm", "starcoder", "refact", "command-r", "codeshell" -> {
        steps.addObject().put("type", "Digits").put("individual_digits", true);
        byteLevelStep(steps.addObject(), false, true);
      }
      case "llama-bpe", "llama3", "llama-v3" -> {
        split(steps, LLAMA_3_SPLIT);
        byteLevelStep(steps.addObject(), false, false);
        return true;
      }
      case "qwen2", "deepseek-r1-qwen" -> {
        split(steps, LLAMA_3_SPLIT.replace("\\p{N}{1,3}", "\\p{N}"));
        byteLevelStep(steps.addObject(), false, false);
      }
      case "default" -> {
        split(steps, "[\\p{P}\\$\\+<=>\\^~\\|]+");
        split(steps, GPT_2_SPLIT);
        split(steps, "\\p{N}+");
        split(steps, "[0-9][0-9][0-9]");
        byteLevelStep(steps.addObject(), false, false);
      }
      default -> throw file.refused(KEY + "pre", "one of default, gpt-2, llama-bpe, qwen2, smollm");
    }
    return false;
  }

  private static void split(ArrayNode steps, String regex) {
    ObjectNode split = steps.addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", regex);
    split.put("behavior", "Isolated").put("invert", false);
  }

  private static void byteLevelStep(ObjectNode step, boolean prefixSpace, boolean useRegex) {
    step.put("type", "ByteLevel");
    step.put("add_prefix_space", prefixSpace);
    step.put("trim_offsets", true);
    step.put("use_regex", useRegex);
  }

  private void sentencePiece(ObjectNode json) throws IOException {
    boolean prefix = !Boolean.FALSE.equals(file.find(KEY + "add_space_prefix"));
    ArrayNode normalizers =
        json.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    if (prefix) {
      normalizers.addObject().put("type", "Prepend").put("prepend", "\u2581");
    }
    replace(normalizers.addObject(), " ", "\u2581");
    json.putNull("pre_tokenizer");
    json.putNull("post_processor");
    ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
    replace(decoders.addObject(), "\u2581", " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    ObjectNode model = vocabulary(json);
    int unknown = file.integer(KEY + "unknown_token_id", 0);
    model.put("unk_token", tokens.get(Math.min(unknown, tokens.size() - 1)));
    model.put("fuse_unk", true);
    model.put("byte_fallback", true);
    model.put("ignore_merges", false);
    ArrayNode merges = model.putArray("merges");
    for (Merge merge : merges()) {
      merges.addArray().add(merge.left()).add(merge.right());
    }
  }

  private static void replace(ObjectNode step, String what, String by) {
    step.put("type", "Replace");
    step.putObject("pattern").put("String", what);
    step.put("content", by);
  }

  private record Merge(String left, String right, double score) {}

  /**
   * Works the merges out of the scores, as transformers does: every way to make a token of two, the
   * best score first; among equals the longer parts, and then the lower ids.
   */
  private List<Merge> merges() throws IOException {
    List<Double> scores = file.list(KEY + "scores", Double.class);
    boolean isScored =
        scores.size() == tokens.size() && scores.stream().distinct().limit(3).count() > 2;
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      if (type(id) == NORMAL || type(id) == 5) {
        ids.put(tokens.get(id), id);
      }
    }
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      if (type(id) == BYTE || !ids.containsKey(token) || ids.get(token) != id) {
        continue;
      }
      double score = isScored ? scores.get(id) : -id;
      List<Merge> local = new ArrayList<>();
      for (int cut = token.offsetByCodePoints(0, 1);
          cut < token.length();
          cut = token.offsetByCodePoints(cut, 1)) {
        String left = token.substring(0, cut);
        String right = token.substring(cut);
        if (ids.containsKey(left) && ids.containsKey(right)) {
          local.add(new Merge(left, right, score));
        }
      }
      local.sort(
          Comparator.comparing((Merge merge) -> ids.getOrDefault(merge.left(), 0))
              .thenComparing(merge -> ids.getOrDefault(merge.right(), 0)));
      merges.addAll(local);
    }
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> 0.0 - merge.score()) // -0 is 0
            .thenComparing(merge -> -merge.left().codePointCount(0, merge.left().length()))
            .thenComparing(merge -> -merge.right().codePointCount(0, merge.right().length())));
    return merges;
  }
}
