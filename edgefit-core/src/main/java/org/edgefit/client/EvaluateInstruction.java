package org.edgefit.client;

import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;

/**
 * What a client is asked to evaluate on its own held-out data.
 *
 * @param task the task's id
 * @param round the round, from 1
 * @param adapter the adapter to evaluate
 * @param run the run's settings
 * @param payload what the strategy sends beside the adapter
 * @param memory what the client kept of its last task that the server took; empty if there is none
 */
public record EvaluateInstruction(
    TaskId task,
    int round,
    Adapter adapter,
    RunSettings run,
    Payload payload,
    NamedTensors memory) {

  /** Returns this instruction with another memory. */
  public EvaluateInstruction withMemory(NamedTensors newMemory) {
    return new EvaluateInstruction(task, round, adapter, run, payload, newMemory);
  }
}
