package org.edgefit.client;

/**
 * The id of a task, unique in a run, so that even a late result is matched to its own task only.
 *
 * @param number the number, >= 1; tasks are numbered as they are planned
 */
public record TaskId(long number) implements Comparable<TaskId> {

  /** Checks the number. */
  public TaskId {
    if (number < 1) {
      throw new IllegalArgumentException("task: " + number + " (expected: >= 1)");
    }
  }

  @Override
  public int compareTo(TaskId other) {
    return Long.compare(number, other.number);
  }

  @Override
  public String toString() {
    return Long.toString(number);
  }
}
