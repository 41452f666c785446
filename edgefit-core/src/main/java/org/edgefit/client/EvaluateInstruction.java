package org.edgefit.client;

import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;

/**
 * A request to evaluate on the client's held-out data.
 *
 * @param task the task's id
 * @param round the round, from 1
 * @param adapter the adapter to evaluate
 * @param run the run's settings
 * @param payload what the strategy sends beside the adapter
 * @param memory the client's state after its last accepted task; empty if there is none
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
