package org.edgefit.simulation;

/**
 * What a client does in a round, and on what.
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
   * Returns the operations of one token's part in a step of QLoRA: a product with each weight of
   * the frozen layers and the head forward, one backward for the gradient of its input, and one
   * more forward where activations are not kept. Attention's own products and the adapter's, some
   * percent, are left out.
   *
   * @param weights the weights of the layers and the head
   * @param isRecomputed whether activations are computed twice
   */
  public static double flopsPerToken(long weights, boolean isRecomputed) {
    return (isRecomputed ? 6.0 : 4.0) * weights;
  }
}
