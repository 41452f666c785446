package org.edgefit.client.engine;

/**
 * The type in which decoded weights and activations are multiplied. The residual stream, norms,
 * softmax, losses, the adapter and its gradients are float32 in any case.
 */
public enum ComputeType {
  /** 32 bits; what exactness is defined in. */
  FLOAT32(4, 6),
  /** 16 bits with float32's range: faster where the processor multiplies it, half the memory. */
  BFLOAT16(2, 15);

  private final int bytes;
  private final int torchCode;

  ComputeType(int bytes, int torchCode) {
    this.bytes = bytes;
    this.torchCode = torchCode;
  }

  /** Returns the bytes of a value. */
  public int bytes() {
    return bytes;
  }

  /** Returns torch's number of the type. */
  public int torchCode() {
    return torchCode;
  }
}
