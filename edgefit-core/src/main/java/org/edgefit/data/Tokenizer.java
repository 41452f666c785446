package org.edgefit.data;

import java.util.Arrays;

/** Turns text into token ids and back. Safe for use by several threads. */
public interface Tokenizer {

  /**
   * Returns the tokens of a text; special tokens that are written in the text are recognised, and
   * none is added.
   */
  Tokens encode(String text);

  /** Returns the text of token ids, without special tokens. */
  String decode(int[] ids);

  /** Returns the texts of the special tokens. */
  SpecialTokens specialTokens();

  /** Token ids with their offsets in the text. */
  final class Tokens {
    private final int[] ids;
    private final int[] ends;

    /**
     * Makes tokens of equal numbers of ids and ends.
     *
     * @param ids the token ids
     * @param ends where each token's text ends, in code points from the start of the text
     */
    public Tokens(int[] ids, int[] ends) {
      if (ids.length != ends.length) {
        throw new IllegalArgumentException(
            "ends: " + ends.length + " (expected: " + ids.length + ", one per id)");
      }
      this.ids = ids.clone();
      this.ends = ends.clone();
    }

    /** Returns a copy of the token ids. */
    public int[] ids() {
      return ids.clone();
    }

    /** Returns the index of the first token that ends after {@code codePoints} of the text. */
    int firstAfter(int codePoints) {
      for (int i = 0; i < ends.length; i++) {
        if (ends[i] > codePoints) {
          return i;
        }
      }
      return ends.length;
    }

    @Override
    public String toString() {
      return Arrays.toString(ids);
    }
  }
}
