package org.edgefit.client.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.client.RunSettings;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.SpecialTokens;
import org.edgefit.file.TextFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chat templates of a checkpoint, as transformers finds them: {@code chat_template.jinja} and
 * {@code additional_chat_templates/NAME.jinja}, which are newer and win; else {@code chat_template}
 * of {@code tokenizer_config.json}, a text or a list of named ones.
 */
final class ChatTemplates {

  /** The folder of templates by name. */
  static final String MORE = "additional_chat_templates";

  private static final Logger LOG = LoggerFactory.getLogger(ChatTemplates.class);

  /** The name of the template that is taken where none is named. */
  private static final String DEFAULT = "default";

  private final Path source;
  private final Map<String, Written> templates;
  private final Map<String, String> specialTokens;

  /** A template's text, and where it is. */
  private record Written(String where, String text) {
    static Written in(Path file) throws IOException {
      return new Written(file.toString(), TextFile.read(file));
    }
  }

  private ChatTemplates(
      Path source, Map<String, Written> templates, Map<String, String> specialTokens) {
    this.source = source;
    this.templates = templates;
    this.specialTokens = specialTokens;
  }

  /** Reads the templates beside a tokenizer, which may write its special tokens by their names. */
  static ChatTemplates read(Path directory, ObjectNode config, Map<String, String> tokens)
      throws IOException {
    Map<String, Written> templates = files(directory);
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
        file,
        template.isEmpty()
            ? Map.of()
            : Map.of(DEFAULT, new Written(file + ": tokenizer.chat_template", template)),
        known);
  }

  private static Map<String, Written> files(Path directory) throws IOException {
    Map<String, Written> templates = new TreeMap<>();
    Path file = directory.resolve("chat_template.jinja");
    if (Files.exists(file)) {
      templates.put(DEFAULT, Written.in(file));
    }
    Path more = directory.resolve(MORE);
    if (Files.isDirectory(more)) {
      try (Stream<Path> files = Files.list(more)) {
        for (Path other : files.filter(path -> path.toString().endsWith(".jinja")).toList()) {
          String name = String.valueOf(other.getFileName()).replaceFirst("\\.jinja$", "");
          templates.put(name, Written.in(other));
        }
      }
    }
    return templates;
  }

  private static Map<String, Written> listed(Path file, JsonNode written) throws IOException {
    String where = file + ": chat_template";
    Map<String, Written> templates = new LinkedHashMap<>();
    if (written.isTextual()) {
      templates.put(DEFAULT, new Written(where, written.asText()));
    } else if (written.isArray()) {
      for (JsonNode one : written) {
        if (!one.path("name").isTextual() || !one.path("template").isTextual()) {
          throw new IOException(
              where + ": an entry without name or template (expected: both, as text)");
        }
        String name = one.get("name").asText();
        templates.put(name, new Written(where + " " + name, one.get("template").asText()));
      }
    } else if (written.isObject()) {
      for (Map.Entry<String, JsonNode> one : written.properties()) {
        if (!one.getValue().isTextual()) {
          throw new IOException(where + ": " + one + " (expected: a name and a template)");
        }
        templates.put(
            one.getKey(), new Written(where + " " + one.getKey(), one.getValue().asText()));
      }
    } else if (!written.isMissingNode() && !written.isNull()) {
      throw new IOException(where + ": " + written.getNodeType() + " (expected: a text or a list)");
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
    Written written = templates.get(name);
    if (written == null) {
      String found =
          templates.isEmpty()
              ? "no chat template"
              : "no chat template \"" + name + "\", but " + String.join(", ", templates.keySet());
      throw new IllegalArgumentException(
          source
              + ": "
              + found
              + "; set --template (expected: one of "
              + PromptTemplate.NAMES
              + (templates.isEmpty() ? "" : ", auto:NAME for one of the model's own")
              + ", or a file)");
    }
    return rendered(written.where(), written.text());
  }

  private PromptTemplate rendered(String what, String text) {
    if (text.contains("strftime_now")) {
      LOG.warn("{} may insert the current date: texts differ from day to day", what);
    }
    try {
      return PromptTemplate.ofChatTemplate(text, specialTokens);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          what
              + ": "
              + e.getMessage()
              + "; set --template (expected: one of "
              + PromptTemplate.NAMES
              + ", or a file)",
          e);
    }
  }
}
