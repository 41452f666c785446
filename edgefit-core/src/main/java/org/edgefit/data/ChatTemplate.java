package org.edgefit.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.data.jinja.JinjaTemplate;
import org.edgefit.data.jinja.JinjaTemplate.Rendering;
import org.edgefit.data.jinja.JinjaTemplate.Span;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's own chat template, rendered as transformers renders it: a record is the user
 * message and the assistant message. The labels cover what the template marks as generated; without
 * marks, what follows the generation prompt, through the token that ends the turn. White space
 * after that token has no label and is dropped.
 */
final class ChatTemplate implements PromptTemplate {

  /** Stands for the question, and for the answer, in a text that shows where they are. */
  private static final String QUESTION = "\uE000";

  private static final String ANSWER = "\uE001";

  private final JinjaTemplate template;
  private final Map<String, String> specialTokens;
  private volatile @Nullable Frames frames;

  /**
   * Reads a template.
   *
   * @param jinja its text
   * @param specialTokens the texts of the special tokens by their names, such as {@code bos_token}
   * @throws IllegalArgumentException if it is not one that is rendered here
   */
  ChatTemplate(String jinja, Map<String, String> specialTokens) {
    this.template = JinjaTemplate.parse(jinja);
    this.specialTokens = Map.copyOf(specialTokens);
  }

  /**
   * What the template writes about a question and its answer, which is the same for all records.
   *
   * @param opening the text before the question
   * @param closing the text between the question and the answer
   */
  private record Frame(String opening, String closing) {

    /** Returns the question as the template has written it, or null if it is not there. */
    @Nullable String question(String before) {
      int end = before.length() - closing.length();
      return end >= opening.length() && before.startsWith(opening) && before.endsWith(closing)
          ? before.substring(opening.length(), end)
          : null;
    }

    /** Cuts the text before an answer where the question is; null if it is not there. */
    static @Nullable Prompt prompt(@Nullable Frame frame, String before, String answer) {
      String question = frame == null ? null : frame.question(before);
      return frame == null || question == null
          ? null
          : new Prompt(frame.opening, question, frame.closing, answer);
    }
  }

  /**
   * The frames of a question with its answer and of one that is asked; null where the question is
   * not in the text just once, so that it cannot be cut.
   */
  private record Frames(@Nullable Frame answered, @Nullable Frame asked) {}

  @Override
  public Prompt apply(InstructionRecord record, SpecialTokens tokens) {
    Rendering rendered = render(record.earlier(), record.question(), record.response());
    Span answer = answer(record, rendered);
    String before = rendered.text().substring(0, answer.start());
    String learned = rendered.text().substring(answer.start(), answer.end());
    Prompt prompt = Frame.prompt(frames(record.earlier()).answered(), before, learned);
    return prompt != null ? prompt : new Prompt(before, "", "", learned);
  }

  @Override
  public Prompt ask(InstructionRecord record, SpecialTokens tokens) {
    String text = render(record.earlier(), record.question(), null).text();
    Prompt prompt = Frame.prompt(frames(record.earlier()).asked(), text, "");
    return prompt != null ? prompt : new Prompt(text, "", "", "");
  }

  private Span answer(InstructionRecord record, Rendering rendered) {
    List<Span> generated = rendered.generated();
    if (!generated.isEmpty()) {
      return generated.get(generated.size() - 1);
    }
    String text = rendered.text();
    String asked = render(record.earlier(), record.question(), null).text();
    int start = text.startsWith(asked) ? asked.length() : start(record, text, asked);
    return new Span(start, start + learned(text.substring(start), record.response()));
  }

  /** Returns where an answer starts whose text does not go on as it is asked for. */
  private int start(InstructionRecord record, String text, String asked) {
    Frame askedFrame = frames(record.earlier()).asked();
    Frame frame = frames(record.earlier()).answered();
    String question = askedFrame == null ? null : askedFrame.question(asked);
    String before =
        frame == null || question == null ? null : frame.opening() + question + frame.closing();
    if (before == null || !text.startsWith(before)) {
      throw new IllegalArgumentException(
          "the chat template renders a question with and without its answer differently, so the"
              + " start of the answer is unknown (expected: the same prefix, or \"generation\""
              + " around the answer); use another template");
    }
    return before.length();
  }

  /** Returns how much of a text after the question is learned: all up to the end token. */
  private static int learned(String text, String response) {
    String stripped = text.stripTrailing();
    boolean hasNoEnd = !response.isBlank() && stripped.endsWith(response.strip());
    return hasNoEnd ? text.length() : stripped.length();
  }

  /** Returns the frames of a question after earlier messages; those of none are kept. */
  private Frames frames(List<Message> earlier) {
    if (!earlier.isEmpty()) {
      return newFrames(earlier);
    }
    Frames known = frames;
    if (known == null) {
      known = newFrames(earlier);
      frames = known;
    }
    return known;
  }

  private Frames newFrames(List<Message> earlier) {
    Rendering rendered = render(earlier, QUESTION, ANSWER);
    String text = rendered.text();
    int answer = text.indexOf(ANSWER);
    if (answer < 0 || answer != text.lastIndexOf(ANSWER)) {
      throw new IllegalArgumentException(
          "the chat template renders the assistant message "
              + (answer < 0 ? "not at all" : "more than once")
              + " (expected: once); use another template");
    }
    String asked = render(earlier, QUESTION, null).text();
    int start = 0;
    int most = Math.min(asked.length(), answer);
    while (start < most && asked.charAt(start) == text.charAt(start)) {
      start++;
    }
    if (!rendered.generated().isEmpty()) {
      start = rendered.generated().get(rendered.generated().size() - 1).start();
    }
    return new Frames(frame(text.substring(0, start)), frame(asked));
  }

  private static @Nullable Frame frame(String before) {
    int question = before.indexOf(QUESTION);
    return question >= 0 && question == before.lastIndexOf(QUESTION)
        ? new Frame(before.substring(0, question), before.substring(question + 1))
        : null;
  }

  /** Renders a question with its answer, or where there is none, as it is asked. */
  private Rendering render(List<Message> earlier, String question, @Nullable String answer) {
    List<Map<String, String>> messages = new ArrayList<>();
    earlier.forEach(one -> messages.add(Map.of("role", one.role(), "content", one.content())));
    messages.add(Map.of("role", "user", "content", question));
    if (answer != null) {
      messages.add(Map.of("role", "assistant", "content", answer));
    }
    Map<String, @Nullable Object> names = new HashMap<>(specialTokens);
    names.put("messages", messages);
    names.put("tools", null);
    names.put("documents", null);
    names.put("add_generation_prompt", answer == null);
    return template.render(names);
  }
}
