package org.edgefit.client.qlora;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses the next token from its logits, in the order of transformers' processors. */
final class TokenSampler {

  private final GenerationOptions options;

  TokenSampler(GenerationOptions options) {
    this.options = options;
  }

  /**
   * Returns the next token.
   *
   * @param logits one per token; changed
   * @param seen the tokens that the text has already
   * @param random the draw, used once if anything is drawn
   */
  int choose(float[] logits, Set<Integer> seen, SplittableRandom random) {
    if (options.repetitionPenalty() != 1) {
      float penalty = (float) options.repetitionPenalty();
      for (int token : seen) {
        logits[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
      }
    }
    if (options.temperature() == 0) {
      return likeliest(logits);
    }
    int[] tokens = candidates(logits);
    double[] weights = new double[tokens.length];
    double sum = 0;
    for (int i = 0; i < tokens.length; i++) {
      weights[i] = Math.exp((logits[tokens[i]] - logits[tokens[0]]) / options.temperature());
      sum += weights[i];
    }
    int kept = nucleus(weights, sum);
    double keptSum = 0;
    for (int i = 0; i < kept; i++) {
      keptSum += weights[i];
    }
    double draw = random.nextDouble() * keptSum;
    for (int i = 0; i < kept; i++) {
      draw -= weights[i];
      if (draw < 0) {
        return tokens[i];
      }
    }
    return tokens[kept - 1];
  }

  /** Returns the tokens to sample from, most likely first; ties by lower id. */
  private int[] candidates(float[] logits) {
    int keep = options.topK() == 0 ? logits.length : Math.min(options.topK(), logits.length);
    float least = Float.NEGATIVE_INFINITY;
    if (keep < logits.length) {
      float[] sorted = logits.clone();
      Arrays.sort(sorted);
      least = sorted[logits.length - keep];
    } else if (options.topP() < 1) {
      // A token this far below the best cannot be in any nucleus that matters.
      least = logits[likeliest(logits)] - (float) (60 * options.temperature());
    }
    float threshold = least;
    return IntStream.range(0, logits.length)
        .filter(token -> logits[token] >= threshold)
        .boxed()
        .sorted(Comparator.comparing((Integer token) -> -logits[token]))
        .limit(keep)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Returns how many of the weights, which fall, reach the share of their sum. */
  private int nucleus(double[] weights, double sum) {
    if (options.topP() == 1) {
      return weights.length;
    }
    double reached = 0;
    int kept = 0;
    while (kept < weights.length && reached < options.topP() * sum) {
      reached += weights[kept++];
    }
    return Math.max(1, kept);
  }

  static int likeliest(float[] logits) {
    int best = 0;
    for (int token = 1; token < logits.length; token++) {
      if (logits[token] > logits[best]) {
        best = token;
      }
    }
    return best;
  }
}
