package org.edgefit.internal.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.edgefit.client.RunSettings;
import org.edgefit.data.PromptTemplate;
import org.edgefit.file.TextFile;
import picocli.CommandLine.Option;

/** Which prompt template is used. */
public final class TemplateOption {

  @Option(
      names = "--template",
      paramLabel = "NAME or FILE",
      description =
          "prompt template: llama2, phi3, chatml, alpaca; auto for the model's own, auto:NAME for"
              + " one of several; or a file with a Jinja chat template (default:"
              + " ${DEFAULT-VALUE})")
  private String template = RunSettings.AUTO_TEMPLATE;

  /**
   * Returns the template's name, or the text of its file, which is read and checked.
   *
   * @throws IllegalArgumentException if there is none of this name, or the file is no template
   */
  public String setting() {
    String name = template.toLowerCase(Locale.ROOT);
    if (PromptTemplate.NAMES.contains(name) || name.equals(RunSettings.AUTO_TEMPLATE)) {
      return name;
    } else if (RunSettings.isOwnTemplate(template)) {
      return template;
    }
    Path file = Path.of(template);
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          "template: "
              + template
              + " (expected: one of "
              + PromptTemplate.NAMES
              + ", auto, auto:NAME, or a file)");
    }
    try {
      String text = TextFile.read(file);
      PromptTemplate.ofChatTemplate(text, Map.of());
      if (!text.contains("{{") && !text.contains("{%")) {
        throw new IllegalArgumentException("no \"{{\" and no \"{%\" (expected: a Jinja template)");
      }
      return text;
    } catch (IllegalArgumentException | IOException e) {
      String message = String.valueOf(e.getMessage());
      throw new IllegalArgumentException(
          "template: " + (message.startsWith(file.toString()) ? "" : file + ": ") + message, e);
    }
  }
}
