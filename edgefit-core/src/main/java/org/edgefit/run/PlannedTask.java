package org.edgefit.run;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Config;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.jspecify.annotations.Nullable;

/**
 * A task as the run's log records it: enough to send it again after a server restart, and to audit
 * who was sent what.
 *
 * @param id the task's id
 * @param round the round for which it was planned
 * @param kind whether to train or to evaluate
 * @param clientId the client's id
 * @param adapter the file of the adapter to start from
 * @param lora the config of that adapter
 * @param training how to learn
 * @param config the payload's values
 * @param tensors the file of the payload's tensors, or null if there are none
 * @param expected the groups of tensors, in the adapter's layout, that an answer must have
 * @param memory the task whose state version to load, or null for none
 * @param horizon the oldest state version for rollback, or null for any
 * @param machine the client's reported properties
 */
public record PlannedTask(
    TaskId id,
    int round,
    Kind kind,
    String clientId,
    FileRef adapter,
    LoraConfig lora,
    Training training,
    Config config,
    @Nullable FileRef tensors,
    List<String> expected,
    @Nullable TaskId memory,
    @Nullable TaskId horizon,
    Map<String, String> machine) {

  /** What a client is asked to do. */
  public enum Kind {
    /** Train the adapter and return the delta. */
    FIT,
    /** Evaluate the adapter on held-out data. */
    EVALUATE
  }

  /** Copies collections. */
  public PlannedTask {
    expected = List.copyOf(expected);
    machine = Collections.unmodifiableMap(new TreeMap<>(machine));
  }
}
