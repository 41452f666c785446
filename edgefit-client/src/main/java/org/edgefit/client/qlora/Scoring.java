package org.edgefit.client.qlora;

/** How a record's class is predicted. */
public enum Scoring {
  /**
   * The most likely label, by the summed log-probability of its tokens and of what follows it in
   * the responses ({@link org.edgefit.data.LabelSet}): the token that ends the answer, or the
   * delimiter.
   */
  LIKELIHOOD,
  /** The mean over those tokens instead, which does not favour short labels. */
  LIKELIHOOD_PER_TOKEN,
  /**
   * The longest label whose words begin the model's greedily decoded output. An output that begins
   * with none is invalid, and counts as wrong.
   */
  GENERATION
}
