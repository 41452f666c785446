package org.edgefit.client.engine;

/**
 * The compute dtype of matmuls (dequantised weights and activations). The residual stream, norms,
 * softmax, losses, the adapter and its gradients are always float32.
 */
public enum ComputeType {
  /** 32 bits; the reference. */
  FLOAT32(4, 6),
  /** 16 bits with float32's range: half the memory, and faster with hardware support. */
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
