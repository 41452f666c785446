package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.TaskId;

/** One client's update and weight. Its tensors are on disk and readable during aggregation. */
public interface Update {

  /** Returns the client's id. */
  String clientId();

  /** Returns the task that it answers. */
  TaskId task();

  /**
   * Returns the round whose global adapter it started from: the previous round, unless the update
   * is stale.
   */
  int startRound();

  /** Returns the weight in an average, > 0. */
  double weight();

  /** Returns the records trained on. */
  long examples();

  /** Returns the tokens learned in one pass over them. */
  long labelTokens();

  /** Returns what the client measured. */
  Map<String, Double> metrics();

  /** Returns the config of the adapter that it started from. */
  LoraConfig config();

  /** Returns the layout of the change: that of the adapter that it started from. */
  AdapterLayout layout();

  /** Returns the change of the adapter; its values are mapped from the file. */
  AdapterDelta delta();

  /** Returns the further tensors that the client sent. */
  NamedTensors tensors();

  /**
   * Copies values of the change.
   *
   * @param tensor the tensor's index in the layout
   * @param from the first value
   * @param out is filled, from its position to its limit
   */
  void read(int tensor, int from, FloatBuffer out);
}
