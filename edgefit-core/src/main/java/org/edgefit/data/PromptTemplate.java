package org.edgefit.data;

import java.util.List;
import java.util.Map;

/**
 * Renders a record in a chat model's format, special tokens included, so the tokenizer must not add
 * its own.
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

  /** Returns a record's prompt without an answer, for generation. */
  default Prompt ask(InstructionRecord record, SpecialTokens tokens) {
    return apply(record, tokens).withAnswer("");
  }

  /** Llama-2 chat: {@code <s>[INST] question [/INST] answer </s>}. */
  static PromptTemplate llama2() {
    return (record, tokens) -> {
      StringBuilder opening = new StringBuilder(tokens.bos()).append("[INST] ");
      for (Message message : record.earlier()) {
        switch (message.role()) {
          case Message.SYSTEM ->
              opening.append("<<SYS>>\n").append(message.content()).append("\n<</SYS>>\n\n");
          case Message.USER -> opening.append(message.content().strip()).append(" [/INST]");
          default ->
              opening
                  .append(' ')
                  .append(message.content().strip())
                  .append(' ')
                  .append(tokens.eos())
                  .append(tokens.bos())
                  .append("[INST] ");
        }
      }
      return new Prompt(
          opening.toString(),
          record.question().strip(),
          " [/INST]",
          " " + record.response().strip() + " " + tokens.eos());
    };
  }

  /** Phi-3: {@code <|user|>}, question, {@code <|end|>}, {@code <|assistant|>}, answer. */
  static PromptTemplate phi3() {
    return (record, tokens) ->
        new Prompt(
            turns(record, "<|%s|>\n%s<|end|>\n") + "<|user|>\n",
            record.question(),
            "<|end|>\n<|assistant|>\n",
            record.response() + "<|end|>");
  }

  /** ChatML, without a system message of its own. */
  static PromptTemplate chatMl() {
    return (record, tokens) ->
        new Prompt(
            turns(record, "<|im_start|>%s\n%s<|im_end|>\n") + "<|im_start|>user\n",
            record.question(),
            "<|im_end|>\n<|im_start|>assistant\n",
            record.response() + "<|im_end|>");
  }

  private static String turns(InstructionRecord record, String form) {
    StringBuilder turns = new StringBuilder();
    record
        .earlier()
        .forEach(message -> turns.append(form.formatted(message.role(), message.content())));
    return turns.toString();
  }

  /**
   * Alpaca's format (Taori et al. 2023), with a paragraph for the context; a record with a system
   * message or earlier turns is an error.
   */
  static PromptTemplate alpaca() {
    return (record, tokens) -> {
      if (!record.earlier().isEmpty()) {
        throw new IllegalArgumentException(
            "template: alpaca, for a record with "
                + record.earlier().size()
                + " messages before its instruction (expected: a template with a place for them)");
      }
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
   * Returns a checkpoint's own chat template, rendered as transformers renders it.
   *
   * @param jinja the template's text, in the language Jinja
   * @param specialTokens the texts of the special tokens by their names, such as {@code bos_token}
   * @throws IllegalArgumentException if it is broken, or has what is not rendered here; the message
   *     names the construct and its place
   */
  static PromptTemplate ofChatTemplate(String jinja, Map<String, String> specialTokens) {
    return new ChatTemplate(jinja, specialTokens);
  }
}
