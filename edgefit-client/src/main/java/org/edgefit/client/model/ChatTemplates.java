package org.edgefit.client.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.client.RunSettings;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.SpecialTokens;
import org.edgefit.format.Json;
import org.edgefit.format.TextFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chat templates of a checkpoint, as transformers finds them: {@code chat_template.jinja} and
 * {@code additional_chat_templates/NAME.jinja}, which are newer and win; else {@code chat_template}
 * of {@code tokenizer_config.json}, a text or a list of named ones.
 */
final class ChatTemplates {

  private static final Logger LOG = LoggerFactory.getLogger(ChatTemplates.class);

  /** The name of the template that is taken where none is named. */
  private static final String DEFAULT = "default";

  private static final List<String> TOKENS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final Path source;
  private final Map<String, String> templates;
  private final Map<String, String> specialTokens;

  private ChatTemplates(
      Path source, Map<String, String> templates, Map<String, String> specialTokens) {
    this.source = source;
    this.templates = templates;
    this.specialTokens = specialTokens;
  }

  /** Reads the templates beside a tokenizer. */
  static ChatTemplates read(Path directory, ObjectNode config) throws IOException {
    Path mapFile = directory.resolve("special_tokens_map.json");
    ObjectNode map = Files.exists(mapFile) ? Json.read(mapFile) : Json.object();
    Map<String, String> tokens = new TreeMap<>();
    for (String name : TOKENS) {
      String text = text(config.path(name));
      text = text.isEmpty() ? text(map.path(name)) : text;
      if (!text.isEmpty()) {
        tokens.put(name, text);
      }
    }
    Map<String, String> templates = files(directory);
    if (templates.isEmpty()) {
      templates = listed(directory.resolve("tokenizer_config.json"), config.path("chat_template"));
    }
    return new ChatTemplates(directory, templates, tokens);
  }

  /** Returns the one template of a file, if its text is not empty. */
  static ChatTemplates of(Path file, String template, SpecialTokens tokens) {
    Map<String, String> known = new TreeMap<>();
    known.put("bos_token", tokens.bos());
    known.put("eos_token", tokens.eos());
    known.values().removeIf(String::isEmpty);
    return new ChatTemplates(
        file, template.isEmpty() ? Map.of() : Map.of(DEFAULT, template), known);
  }

  private static String text(JsonNode token) {
    return token.isObject() ? token.path("content").asText("") : token.asText("");
  }

  private static Map<String, String> files(Path directory) throws IOException {
    Map<String, String> templates = new TreeMap<>();
    Path file = directory.resolve("chat_template.jinja");
    if (Files.exists(file)) {
      templates.put(DEFAULT, TextFile.read(file));
    }
    Path more = directory.resolve("additional_chat_templates");
    if (Files.isDirectory(more)) {
      try (Stream<Path> files = Files.list(more)) {
        for (Path other : files.filter(path -> path.toString().endsWith(".jinja")).toList()) {
          String name = String.valueOf(other.getFileName()).replaceFirst("\\.jinja$", "");
          templates.put(name, TextFile.read(other));
        }
      }
    }
    return templates;
  }

  private static Map<String, String> listed(Path file, JsonNode written) throws IOException {
    Map<String, String> templates = new LinkedHashMap<>();
    if (written.isTextual()) {
      templates.put(DEFAULT, written.asText());
    } else if (written.isArray()) {
      for (JsonNode one : written) {
        if (!one.path("name").isTextual() || !one.path("template").isTextual()) {
          throw new IOException(
              file
                  + ": chat_template: an entry without name or template (expected: both, as text)");
        }
        templates.put(one.get("name").asText(), one.get("template").asText());
      }
    } else if (!written.isMissingNode() && !written.isNull()) {
      throw new IOException(
          file + ": chat_template: " + written.getNodeType() + " (expected: a text or a list)");
    }
    return templates;
  }

  /** Returns a special token's text; empty if there is none. */
  String token(String name) {
    return specialTokens.getOrDefault(name, "");
  }

  /** Returns the template of a setting; see {@link ModelTokenizer#template}. */
  PromptTemplate template(String setting) {
    if (setting.contains("{{") || setting.contains("{%")) {
      return rendered("template", setting);
    } else if (!RunSettings.isOwnTemplate(setting)) {
      return PromptTemplate.named(setting);
    }
    String name =
        setting.equals(RunSettings.AUTO_TEMPLATE)
            ? DEFAULT
            : setting.substring(RunSettings.AUTO_TEMPLATE.length() + 1);
    String text = templates.get(name);
    if (text == null) {
      String found =
          templates.isEmpty()
              ? "no chat template"
              : "no chat template \"" + name + "\", but " + String.join(", ", templates.keySet());
      throw new IllegalArgumentException(
          source
              + ": "
              + found
              + "; name a template (expected: one of "
              + PromptTemplate.NAMES
              + (templates.isEmpty() ? "" : ", auto:NAME for one of the model's own")
              + ", or a file)");
    }
    return rendered(source + ": chat template", text);
  }

  private PromptTemplate rendered(String what, String text) {
    if (text.contains("strftime_now")) {
      LOG.warn("{} may write the day's date into each text: another day, other texts", what);
    }
    try {
      return PromptTemplate.ofChatTemplate(text, specialTokens);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          what
              + ": "
              + e.getMessage()
              + "; name a template (expected: one of "
              + PromptTemplate.NAMES
              + ", or a file)",
          e);
    }
  }
}
