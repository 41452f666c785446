package org.edgefit.metrics;

/** Perplexity of a language model. */
public final class Perplexity {

  private Perplexity() {}

  /**
   * Returns the perplexity.
   *
   * @param loss the mean negative log-likelihood of a token, in nats
   */
  public static double of(double loss) {
    return Math.exp(loss);
  }
}
