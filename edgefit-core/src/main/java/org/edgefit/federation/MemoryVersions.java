package org.edgefit.federation;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.edgefit.client.TaskId;
import org.edgefit.run.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * Which memories clients keep: for each client the tasks that left one, with the rounds in which
 * they ended. Any thread may use it.
 */
final class MemoryVersions {

  private final Map<String, NavigableMap<TaskId, Integer>> versions = new TreeMap<>();
  private final int rollbackRounds;

  MemoryVersions(Map<String, NavigableMap<TaskId, Integer>> saved, int rollbackRounds) {
    saved.forEach((client, tasks) -> versions.put(client, new TreeMap<>(tasks)));
    this.rollbackRounds = rollbackRounds;
  }

  /** Notes what a task left, if anything. */
  synchronized void add(Outcome outcome, int round) {
    if (outcome instanceof Outcome.Trained trained && trained.keepsMemory()) {
      versions
          .computeIfAbsent(trained.clientId(), id -> new TreeMap<>())
          .put(trained.task(), round);
    }
  }

  /** Returns the task whose memory a client's next task builds on, or null for none. */
  synchronized @Nullable TaskId current(String client) {
    NavigableMap<TaskId, Integer> tasks = versions.get(client);
    return tasks == null ? null : tasks.lastKey();
  }

  /** Returns the oldest memory that the run may go back to from a round; null for any. */
  synchronized @Nullable TaskId horizon(String client, int round) {
    TaskId oldest = null;
    for (Map.Entry<TaskId, Integer> version :
        versions.getOrDefault(client, new TreeMap<>()).entrySet()) {
      if (version.getValue() <= round - 1 - rollbackRounds) {
        oldest = version.getKey();
      }
    }
    return oldest;
  }
}
