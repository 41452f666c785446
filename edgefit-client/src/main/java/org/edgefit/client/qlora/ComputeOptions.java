package org.edgefit.client.qlora;

import org.edgefit.client.engine.ComputeType;

/**
 * Machine-local compute options of a client; the server sets the hyperparameters ({@code
 * Training}).
 *
 * @param type the dtype of matmuls and activations
 * @param memoryBytes the memory limit of the process, in bytes: layers whose activations do not fit
 *     use activation checkpointing; 0 for no limit
 */
public record ComputeOptions(ComputeType type, long memoryBytes) {

  /** Checks the budget. */
  public ComputeOptions {
    if (memoryBytes < 0) {
      throw new IllegalArgumentException("memory: " + memoryBytes + " bytes (expected: >= 0)");
    }
  }

  /** Returns float32 without a limit. */
  public static ComputeOptions defaults() {
    return new ComputeOptions(ComputeType.FLOAT32, 0);
  }

  /** Returns these options with another type. */
  public ComputeOptions withType(ComputeType newType) {
    return new ComputeOptions(newType, memoryBytes);
  }

  /** Returns these options with another limit, in bytes; 0 for none. */
  public ComputeOptions withMemory(long newMemoryBytes) {
    return new ComputeOptions(type, newMemoryBytes);
  }
}
