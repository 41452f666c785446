package org.edgefit.client.model;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgefit.client.engine.OwnLoader;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.SpecialTokens;
import org.edgefit.data.Tokenizer;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;
import org.edgefit.format.gguf.GgufTokenizer;
import org.edgefit.format.model.GgufModel;

/**
 * The tokenizer of a model directory, {@code tokenizer.json} and {@code tokenizer_config.json}, or
 * of a GGUF file.
 */
public final class ModelTokenizer implements Tokenizer, AutoCloseable {

  /** Neither adds nor cuts anything. */
  private static final Map<String, String> PLAIN =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final HuggingFaceTokenizer tokenizer;
  private final SpecialTokens specialTokens;
  private final ChatTemplates chatTemplates;
  private final Path source;
  private final List<String> specialTexts;
  private final int vocabulary;

  private ModelTokenizer(
      HuggingFaceTokenizer tokenizer,
      SpecialTokens specialTokens,
      ChatTemplates chatTemplates,
      Path source,
      List<String> specialTexts,
      int vocabulary) {
    this.tokenizer = tokenizer;
    this.specialTokens = specialTokens;
    this.chatTemplates = chatTemplates;
    this.source = source;
    this.specialTexts = specialTexts;
    this.vocabulary = vocabulary;
  }

  /**
   * Loads the tokenizer of a model directory or a GGUF file.
   *
   * @throws IOException if a file is missing or broken
   */
  public static ModelTokenizer load(Path directory) throws IOException {
    return load(directory, Integer.MAX_VALUE);
  }

  /**
   * Loads the tokenizer of a model directory or a GGUF file, which gives the model no id that it
   * has no embedding for: a text with such a token is refused.
   *
   * @param vocabulary the rows of the model's embedding
   * @throws IOException if a file is missing or broken
   */
  static ModelTokenizer load(Path directory, int vocabulary) throws IOException {
    if (GgufModel.isGguf(directory)) {
      return ofGguf(directory, vocabulary);
    }
    Path file = directory.resolve("tokenizer.json");
    ByteBuffer bytes = TextFile.bytes(file, false);
    Path configFile = directory.resolve("tokenizer_config.json");
    ObjectNode config = Files.exists(configFile) ? Json.read(configFile) : Json.object();
    ObjectNode written = Json.read(file);
    DeclaredTokens tokens = new DeclaredTokens(directory, config, written);
    byte[] json = new byte[bytes.remaining()];
    bytes.get(json);
    if (tokens.addTo(written)) {
      json = DeclaredTokens.bytes(written);
    }
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer = tokenizer(json);
    } catch (RuntimeException e) {
      throw refused(file.toString(), e);
    }
    ChatTemplates templates = ChatTemplates.read(directory, config, tokens.named());
    return new ModelTokenizer(
        tokenizer,
        new SpecialTokens(templates.token("bos_token"), templates.token("eos_token")),
        templates,
        file,
        specialTexts(written),
        vocabulary);
  }

  private static HuggingFaceTokenizer tokenizer(byte[] json) {
    OwnLoader.loadTokenizers(); // whose faults are not the file's
    return OwnLoader.load(
        () -> {
          try {
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), PLAIN);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Says what the tokenizers library does not read, with its place as ours are told. */
  private static IOException refused(String what, RuntimeException e) {
    Matcher told =
        Pattern.compile("(.*) at line (\\d+) column \\d+", Pattern.DOTALL)
            .matcher(String.valueOf(e.getMessage()));
    String reason = told.matches() ? told.group(1) : String.valueOf(e.getMessage());
    reason =
        reason.replaceFirst(
            "data did not match any variant of untagged enum ([A-Z][a-z]+)\\w*",
            "its $1 is not supported");
    String where = told.matches() ? ": line " + told.group(2) : "";
    return new IOException(
        what + where + ": " + reason + " (expected: a tokenizer of the tokenizers library)", e);
  }

  private static ModelTokenizer ofGguf(Path file, int vocabulary) throws IOException {
    GgufTokenizer stored = GgufTokenizer.read(file);
    try {
      String json = stored.toJson();
      HuggingFaceTokenizer tokenizer = tokenizer(json.getBytes(StandardCharsets.UTF_8));
      SpecialTokens tokens = new SpecialTokens(stored.bosToken(), stored.eosToken());
      return new ModelTokenizer(
          tokenizer,
          tokens,
          ChatTemplates.of(file, stored.chatTemplate(), tokens),
          file,
          specialTexts(Json.parse(json, file.toString())),
          vocabulary);
    } catch (RuntimeException e) {
      throw refused(file + ": its tokenizer", e);
    }
  }

  /**
   * Returns a prompt template.
   *
   * @param setting {@code auto} for the model's own; {@code auto:NAME} for one of several that it
   *     has; a name of {@link PromptTemplate#NAMES}; or the text of a chat template
   * @throws IllegalArgumentException if there is none of this name, or it uses an unsupported
   *     construct, which the message names with its place
   */
  public PromptTemplate template(String setting) {
    return chatTemplates.template(setting);
  }

  /**
   * Returns the strings that are parsed as special tokens everywhere, also in messages, as in
   * transformers.
   */
  public List<String> specialTexts() {
    return specialTexts;
  }

  private static List<String> specialTexts(ObjectNode tokenizer) {
    List<String> texts = new ArrayList<>();
    for (JsonNode token : tokenizer.path("added_tokens")) {
      if (token.path("special").asBoolean()) {
        texts.add(token.path("content").asText());
      }
    }
    return List.copyOf(texts);
  }

  /**
   * {@inheritDoc}
   *
   * @throws UncheckedIOException if a token's id is beyond the model's vocabulary
   */
  @Override
  public Tokens encode(String text) {
    Encoding encoding = tokenizer.encode(text, false, false);
    long[] longs = encoding.getIds();
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] ids = new int[longs.length];
    int[] ends = new int[longs.length];
    int last = 0;
    for (int i = 0; i < ids.length; i++) {
      if (longs[i] >= vocabulary) {
        throw new UncheckedIOException(
            new IOException(
                source
                    + ": token \""
                    + encoding.getTokens()[i]
                    + "\": its id is "
                    + longs[i]
                    + " (expected: below "
                    + vocabulary
                    + ", the rows of the model's embedding)"));
      }
      ids[i] = Math.toIntExact(longs[i]);
      last = spans[i] == null ? last : Math.max(last, spans[i].getEnd());
      ends[i] = last;
    }
    return new Tokens(ids, ends);
  }

  @Override
  public String decode(int[] ids) {
    long[] longs = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      longs[i] = ids[i];
    }
    return tokenizer.decode(longs, true);
  }

  @Override
  public SpecialTokens specialTokens() {
    return specialTokens;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
