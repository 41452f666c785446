package org.edgefit.client.qlora;

import java.nio.FloatBuffer;

/**
 * AdamW (Loshchilov and Hutter 2019) in torch's form: decoupled decay first, bias-corrected
 * moments, epsilon outside the corrected root. Before a step, the gradient is clipped at a global
 * norm.
 */
final class AdamW {

  /*
   * Loshchilov and Hutter 2019, algorithm 2, in the order in which torch.optim.AdamW rounds:
   *
   *   w -= lr decay w
   *   m += (1 - b1) (g - m)            v = b2 v + (1 - b2) g^2
   *   w -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
   *
   * with g times min(1, clip / (|g| + 1e-6)), |g| being the norm over all adapted layers.
   */

  private final float[] mean;
  private final float[] square;
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final double weightDecay;
  private int steps;

  AdamW(int size, double beta1, double beta2, double epsilon, double weightDecay) {
    this.mean = new float[size];
    this.square = new float[size];
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
  }

  /** Returns the Euclidean norm of a gradient, summed in double. */
  static double norm(FloatBuffer gradient) {
    double sum = 0;
    for (int i = 0; i < gradient.capacity(); i++) {
      double g = gradient.get(i);
      sum += g * g;
    }
    return Math.sqrt(sum);
  }

  /**
   * Returns the factor that clips a gradient, as torch computes it.
   *
   * @param norm the gradient's norm
   * @param clipNorm the largest norm; 0 for no clipping
   */
  static double clipFactor(double norm, double clipNorm) {
    return clipNorm == 0 ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
  }

  /**
   * Changes the weights by one step.
   *
   * @param weights the weights, changed in place
   * @param gradient the gradient, in the order of the weights
   * @param factor what the gradient is multiplied by
   * @param learningRate the learning rate of this step
   */
  void step(FloatBuffer weights, FloatBuffer gradient, double factor, double learningRate) {
    steps++;
    float b1 = (float) (1 - beta1);
    float b2 = (float) beta2;
    float oneMinusB2 = (float) (1 - beta2);
    float clip = (float) factor;
    float decay = (float) (1 - learningRate * weightDecay);
    float stepSize = (float) (learningRate / (1 - Math.pow(beta1, steps)));
    float rootCorrection = (float) Math.sqrt(1 - Math.pow(beta2, steps));
    float eps = (float) epsilon;
    for (int i = 0; i < mean.length; i++) {
      float g = gradient.get(i) * clip;
      float m = mean[i] + (g - mean[i]) * b1;
      float v = square[i] * b2 + oneMinusB2 * g * g;
      mean[i] = m;
      square[i] = v;
      float denominator = (float) Math.sqrt(v) / rootCorrection + eps;
      weights.put(i, weights.get(i) * decay - stepSize * (m / denominator));
    }
  }
}
