package org.edgefit.data;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes a record in the form that a chat model was trained on, special tokens included, so that
 * the tokenizer must add none of its own.
 *
 * <p>An answer ends with the token that ends the model's turn. What a chat template may write after
 * that token (a line break) carries no label and is left out.
 */
@FunctionalInterface
public interface PromptTemplate {

  /** The names that {@link #named} knows. */
  List<String> NAMES = List.of("llama2", "phi3", "chatml", "alpaca");

  /** Returns the prompt of a record, with its response as the answer. */
  Prompt apply(InstructionRecord record, SpecialTokens tokens);

  /** Llama-2 chat: {@code <s>[INST] question [/INST] answer </s>}. */
  static PromptTemplate llama2() {
    return llama2(" ");
  }

  private static PromptTemplate llama2(String beforeEos) {
    return (record, tokens) ->
        new Prompt(
            tokens.bos() + "[INST] ",
            record.question().strip(),
            " [/INST]",
            " " + record.response().strip() + beforeEos + tokens.eos());
  }

  /** Phi-3: {@code <|user|>}, question, {@code <|end|>}, {@code <|assistant|>}, answer. */
  static PromptTemplate phi3() {
    return phi3(false);
  }

  private static PromptTemplate phi3(boolean bos) {
    return (record, tokens) ->
        new Prompt(
            (bos ? tokens.bos() : "") + "<|user|>\n",
            record.question(),
            "<|end|>\n<|assistant|>\n",
            record.response() + "<|end|>");
  }

  /** ChatML, without a system message. */
  static PromptTemplate chatMl() {
    return chatMl("");
  }

  /**
   * ChatML.
   *
   * @param system the system message; left out if empty
   */
  static PromptTemplate chatMl(String system) {
    return chatMl(system, false);
  }

  private static PromptTemplate chatMl(String system, boolean bos) {
    String opening = system.isEmpty() ? "" : "<|im_start|>system\n" + system + "<|im_end|>\n";
    return (record, tokens) ->
        new Prompt(
            (bos ? tokens.bos() : "") + opening + "<|im_start|>user\n",
            record.question(),
            "<|im_end|>\n<|im_start|>assistant\n",
            record.response() + "<|im_end|>");
  }

  /** Alpaca's form (Taori et al. 2023), which has a paragraph of its own for the context. */
  static PromptTemplate alpaca() {
    return (record, tokens) -> {
      String opening =
          record.context() == null
              ? "Below is an instruction that describes a task. Write a response that appropriately"
                  + " completes the request.\n\n### Instruction:\n"
              : "Below is an instruction that describes a task, paired with an input that provides"
                  + " further context. Write a response that appropriately completes the"
                  + " request.\n\n### Instruction:\n";
      String question =
          record.context() == null
              ? record.instruction()
              : record.instruction() + "\n\n### Input:\n" + record.context();
      return new Prompt(
          tokens.bos() + opening,
          question,
          "\n\n### Response:\n",
          record.response() + tokens.eos());
    };
  }

  /**
   * Returns the template with one of {@link #NAMES}.
   *
   * @throws IllegalArgumentException for another name
   */
  static PromptTemplate named(String name) {
    return switch (name) {
      case "llama2" -> llama2();
      case "phi3" -> phi3();
      case "chatml" -> chatMl();
      case "alpaca" -> alpaca();
      default ->
          throw new IllegalArgumentException(
              "template: " + name + " (expected: one of " + NAMES + ")");
    };
  }

  /**
   * Returns the template that a model's own {@code chat_template} describes. A system message that
   * a ChatML template always writes is kept, and so is what Llama-2's writes before the end.
   *
   * @param chatTemplate the Jinja text of {@code tokenizer_config.json}, or null
   * @throws IllegalArgumentException if it is none that is known here
   */
  static PromptTemplate fromChatTemplate(@Nullable String chatTemplate) {
    String text = chatTemplate == null ? "" : chatTemplate;
    boolean bos = text.contains("bos_token");
    if (text.contains("<|im_start|>")) {
      Matcher system =
          Pattern.compile("<\\|im_start\\|>system(?:\\\\n|\\n)([^'\"{}<]+)<\\|im_end\\|>")
              .matcher(text);
      return chatMl(system.find() ? system.group(1).replace("\\n", "\n") : "", bos);
    }
    String lineBreak = "(?:['\"]\\s*\\+\\s*['\"])?(?:\\\\n|\\n)"; // in the same string or the next
    if (find(text, "<\\|user\\|>" + lineBreak)
        && find(text, "<\\|assistant\\|>" + lineBreak)
        && find(text, "<\\|end\\|>" + lineBreak)) {
      return phi3(bos);
    }
    if (bos && text.contains("[INST]") && find(text, "['\"] ['\"]\\s*\\+\\s*(?!eos_token)\\w")) {
      return llama2(find(text, "['\"] ['\"]\\s*\\+\\s*eos_token") ? " " : "");
    }
    if (text.contains("### Instruction:") && text.contains("### Response:")) {
      return alpaca();
    }
    throw new IllegalArgumentException(
        (chatTemplate == null
                ? "the model has no chat_template"
                : "the model's chat_template is none that is known here")
            + ": name a template (expected: one of "
            + NAMES
            + ")");
  }

  private static boolean find(String text, String pattern) {
    return Pattern.compile(pattern).matcher(text).find();
  }
}
