package org.edgefit.data;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One instruction with its answer, in the form of the Dolly data set.
 *
 * @param instruction what is asked
 * @param context further input to the instruction, or null
 * @param response the answer
 * @param category the kind of task, or null
 * @param label the class, where the task is a classification, or null
 * @param earlier the messages before the instruction, in their order: a system message, if there is
 *     one, and earlier turns of user and assistant
 */
public record InstructionRecord(
    String instruction,
    @Nullable String context,
    String response,
    @Nullable String category,
    @Nullable String label,
    List<Message> earlier) {

  /** Makes a record without earlier messages. */
  public InstructionRecord(
      String instruction,
      @Nullable String context,
      String response,
      @Nullable String category,
      @Nullable String label) {
    this(instruction, context, response, category, label, List.of());
  }

  /** Makes an empty context, category or label null, and refuses an empty instruction. */
  public InstructionRecord {
    if (instruction.isBlank()) {
      throw new IllegalArgumentException("instruction: empty (expected: some text)");
    }
    context = emptyToNull(context);
    category = emptyToNull(category);
    label = emptyToNull(label);
    earlier = List.copyOf(earlier);
  }

  /** Returns this record with another response. */
  public InstructionRecord withResponse(String newResponse) {
    return new InstructionRecord(instruction, context, newResponse, category, label, earlier);
  }

  private static @Nullable String emptyToNull(@Nullable String text) {
    return text == null || text.isBlank() ? null : text;
  }

  /** Returns the instruction, followed by the context on a line of its own if there is one. */
  public String question() {
    return context == null ? instruction : instruction + "\n" + context;
  }
}
