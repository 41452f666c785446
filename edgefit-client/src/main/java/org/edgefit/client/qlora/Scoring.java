package org.edgefit.client.qlora;

/** How a model's class of a record is told. */
public enum Scoring {
  /**
   * The label that the model is most likely to begin its response with, by the sum of the
   * log-probabilities of its tokens and of what follows it in the responses ({@link
   * org.edgefit.data.LabelSet}): the token that ends the answer, or the delimiter.
   */
  LIKELIHOOD,
  /** The same by the mean over those tokens, which does not favour short labels. */
  LIKELIHOOD_PER_TOKEN,
  /**
   * The longest label with whose words the model's own answer begins, the likeliest token taken
   * each time. An answer that begins with none is invalid, and counts as wrong.
   */
  GENERATION
}
