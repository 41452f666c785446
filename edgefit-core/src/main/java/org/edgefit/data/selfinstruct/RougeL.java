package org.edgefit.data.selfinstruct;

import java.util.List;

/**
 * ROUGE-L (Lin 2004): how alike two texts are by the longest sequence of words that both have in
 * the same order, not necessarily side by side.
 */
final class RougeL {

  private RougeL() {}

  /**
   * Returns the F-measure, from 0 to 1: the harmonic mean of the sequence's shares of both texts.
   */
  static double of(List<String> one, List<String> other) {
    int common = longestCommonSubsequence(one, other);
    return common == 0 ? 0 : 2.0 * common / (one.size() + other.size());
  }

  /** Returns whether the F-measure is at least {@code limit}, without computing it in vain. */
  static boolean reaches(double limit, List<String> one, List<String> other) {
    double most = 2.0 * Math.min(one.size(), other.size()) / (one.size() + other.size());
    return most >= limit && of(one, other) >= limit;
  }

  private static int longestCommonSubsequence(List<String> one, List<String> other) {
    int[] row = new int[other.size() + 1]; // the lengths for one word of the first text less
    for (String word : one) {
      int diagonal = 0;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        row[j] = word.equals(other.get(j - 1)) ? diagonal + 1 : Math.max(above, row[j - 1]);
        diagonal = above;
      }
    }
    return row[other.size()];
  }
}
