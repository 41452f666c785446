package org.edgefit.simulation;

/**
 * A client's work in a round, and its device.
 *
 * @param device the client's device
 * @param bytesDown what it receives first
 * @param flops the operations of its training
 * @param bytesUp what it sends at the end
 */
public record ClientWork(DeviceProfile device, long bytesDown, double flops, long bytesUp) {

  /** Checks that nothing is negative. */
  public ClientWork {
    if (bytesDown < 0 || bytesUp < 0 || !(flops >= 0)) {
      throw new IllegalArgumentException(
          "work: " + bytesDown + ", " + flops + ", " + bytesUp + " (expected: >= 0)");
    }
  }

  /**
   * Returns the FLOPs per token of a QLoRA step: one multiply-add per weight of the frozen layers
   * and the head forward, one backward for the input gradient, and one more forward with activation
   * checkpointing. Attention and adapter matmuls, a few percent, are left out.
   *
   * @param weights the weights of the layers and the head
   * @param isRecomputed whether activations are computed twice
   */
  public static double flopsPerToken(long weights, boolean isRecomputed) {
    return (isRecomputed ? 6.0 : 4.0) * weights;
  }
}
