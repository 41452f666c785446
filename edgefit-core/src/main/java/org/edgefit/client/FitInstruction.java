package org.edgefit.client;

import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.random.Seed;

/**
 * A request to train in a round.
 *
 * @param task the task's id
 * @param round the round, from 1
 * @param rounds the rounds of the run, for schedules that span it
 * @param adapter the adapter that training starts from
 * @param run the run's settings
 * @param training how to learn
 * @param seed this client's randomness in this round
 * @param payload what the strategy sends beside the adapter
 * @param memory the client's state after its last accepted task; empty if there is none
 */
public record FitInstruction(
    TaskId task,
    int round,
    int rounds,
    Adapter adapter,
    RunSettings run,
    Training training,
    Seed seed,
    Payload payload,
    NamedTensors memory) {

  /** Returns this instruction with another memory. */
  public FitInstruction withMemory(NamedTensors newMemory) {
    return new FitInstruction(
        task, round, rounds, adapter, run, training, seed, payload, newMemory);
  }
}
