package org.edgefit.client.qlora;

import org.edgefit.client.engine.ComputeType;

/**
 * How a machine computes a training: what a client chooses for itself, where the server chooses
 * what is computed.
 *
 * @param type the type of products and activations
 * @param memoryBytes the most memory that the process shall take, in bytes: layers whose
 *     activations do not fit are run once more in the backward pass; 0 for no limit
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
