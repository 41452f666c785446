package org.edgefit.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Turns records into examples: template, tokens, and labels on the response alone (or on every
 * token). A text that is too long is truncated at the end of its question, never in its answer or
 * the template.
 */
public final class ExampleEncoder {

  private final Tokenizer tokenizer;
  private final PromptTemplate template;
  private final int maxLength;
  private final boolean responseOnly;

  /** A weak cache of encoded data sets, as each round encodes them again. */
  private final Map<InstructionDataset, Encoded> encoded =
      Collections.synchronizedMap(new WeakHashMap<>());

  /**
   * Makes an encoder.
   *
   * @param maxLength the most tokens of an example, at least 2
   * @param responseOnly whether the labels are the response's tokens alone
   */
  public ExampleEncoder(
      Tokenizer tokenizer, PromptTemplate template, int maxLength, boolean responseOnly) {
    if (maxLength < 2) {
      throw new IllegalArgumentException("maxLength: " + maxLength + " (expected: >= 2)");
    }
    this.tokenizer = tokenizer;
    this.template = template;
    this.maxLength = maxLength;
    this.responseOnly = responseOnly;
  }

  /**
   * The examples of a data set.
   *
   * @param examples the examples, in the records' order
   * @param cut how many have a truncated question
   * @param dropped how many records are dropped, because the text is too long even without its
   *     question, or has no label token
   */
  public record Encoded(List<Example> examples, int cut, int dropped) {

    /** Copies the list. */
    public Encoded {
      examples = List.copyOf(examples);
    }

    /** Returns the number of learned tokens in all examples. */
    public long labelTokens() {
      return examples.stream().mapToLong(Example::labelTokens).sum();
    }
  }

  /** Encodes all records, a data set's once. */
  public Encoded encode(InstructionDataset dataset) {
    Encoded before = encoded.get(dataset);
    if (before != null) {
      return before;
    }
    Encoded now = encodeNew(dataset); // without a lock: clients encode side by side
    encoded.put(dataset, now);
    return now;
  }

  private Encoded encodeNew(InstructionDataset dataset) {
    List<Example> examples = new ArrayList<>();
    int cut = 0;
    int dropped = 0;
    for (InstructionRecord record : dataset.records()) {
      Prompt prompt = template.apply(record, tokenizer.specialTokens());
      Tokenizer.Tokens tokens = tokenizer.encode(prompt.text());
      Example example = fit(prompt, tokens, excess(tokens));
      if (example == null || example.labelTokens() == 0) {
        dropped++;
      } else {
        examples.add(example);
        if (example.length() < tokens.ids().length) {
          cut++;
        }
      }
    }
    return new Encoded(examples, cut, dropped);
  }

  /**
   * Encodes a record's prompt followed by each answer. If the longest does not fit, the question is
   * truncated equally for all of them.
   *
   * @return one example per answer, or null if a text is too long even without its question
   */
  public @Nullable List<Example> encode(InstructionRecord record, List<String> answers) {
    Prompt prompt = template.apply(record, tokenizer.specialTokens());
    List<Tokenizer.Tokens> texts = new ArrayList<>();
    int excess = 0;
    for (String answer : answers) {
      Tokenizer.Tokens tokens = tokenizer.encode(prompt.withAnswer(answer).text());
      texts.add(tokens);
      excess = Math.max(excess, excess(tokens));
    }
    List<Example> examples = new ArrayList<>();
    for (Tokenizer.Tokens tokens : texts) {
      Example example = fit(prompt, tokens, excess);
      if (example == null) {
        return null;
      }
      examples.add(example);
    }
    return examples;
  }

  /** Returns an answer as the template writes it, with the tokens that end it. */
  public String answer(InstructionRecord record, String answer) {
    return template.apply(record.withResponse(answer), tokenizer.specialTokens()).answer();
  }

  /**
   * Returns the start of an answer as the template writes it, without the tokens that end it.
   *
   * @param answer the answer's own text, for example a class label
   */
  public String openAnswer(InstructionRecord record, String answer) {
    String whole = answer(record, answer);
    int start = whole.indexOf(answer);
    if (start < 0) {
      throw new IllegalArgumentException(
          "answer: \"" + answer + "\" (expected: a text that the template keeps verbatim)");
    }
    return whole.substring(0, start + answer.length());
  }

  /** Returns the ids of a record's prompt, which the model is to answer. */
  public int[] encodePrompt(InstructionRecord record) {
    Prompt prompt = template.ask(record, tokenizer.specialTokens());
    Tokenizer.Tokens tokens = tokenizer.encode(prompt.text());
    Example example = fit(prompt, tokens, excess(tokens));
    if (example == null) {
      throw new IllegalArgumentException(
          "maxLength: " + maxLength + " (expected: at least the template's tokens)");
    }
    return example.ids();
  }

  private int excess(Tokenizer.Tokens tokens) {
    return Math.max(0, tokens.ids().length - maxLength);
  }

  /** Cuts {@code excess} tokens from the question, or returns null if it has not as many. */
  private @Nullable Example fit(Prompt prompt, Tokenizer.Tokens tokens, int excess) {
    int[] ids = tokens.ids();
    int openingLength = codePoints(prompt.opening());
    int questionEnd = openingLength + codePoints(prompt.question());
    int promptEnd = questionEnd + codePoints(prompt.closing());
    int answerStart = tokens.firstAfter(promptEnd);
    int questionStart = tokens.firstAfter(openingLength);
    int closingStart = tokens.firstAfter(questionEnd);
    if (excess > closingStart - questionStart || ids.length == 0) {
      return null;
    }
    int[] kept = new int[ids.length - excess];
    System.arraycopy(ids, 0, kept, 0, closingStart - excess);
    System.arraycopy(ids, closingStart, kept, closingStart - excess, ids.length - closingStart);
    int labelStart = responseOnly ? Math.max(1, answerStart - excess) : 1;
    return new Example(kept, labelStart);
  }

  private static int codePoints(String text) {
    return text.codePointCount(0, text.length());
  }
}
