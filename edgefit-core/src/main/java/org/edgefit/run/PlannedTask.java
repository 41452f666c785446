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
 * What a client is to be asked, as a run's log keeps it: enough to ask again after the server was
 * stopped, and for others to see who was asked what.
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
 * @param memory the task whose memory the client is to find, or null for none
 * @param horizon the oldest memory that the run may go back to, or null for any
 * @param machine what is known of the client's machine
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
    /** To train the adapter, and to answer with its change. */
    FIT,
    /** To evaluate the adapter on its own held-out data. */
    EVALUATE
  }

  /** Keeps its own copies. */
  public PlannedTask {
    expected = List.copyOf(expected);
    machine = Collections.unmodifiableMap(new TreeMap<>(machine));
  }
}
