package org.edgefit.data.selfinstruct;

import org.edgefit.data.InstructionRecord;
import org.jspecify.annotations.Nullable;

/**
 * A task with its answer, in the parts that a teacher writes.
 *
 * @param kind what it is
 * @param task the event, command, wish or question alone
 * @param answer the answer, without its class
 * @param label the class, for a classification
 */
public record Task(TaskKind kind, String task, String answer, @Nullable String label) {

  /** Returns the record that a model is trained on. */
  public InstructionRecord toRecord() {
    return kind.record(task, answer, label);
  }
}
