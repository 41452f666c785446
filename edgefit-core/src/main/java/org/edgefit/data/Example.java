package org.edgefit.data;

/**
 * A record as token ids. The label of a position is the token itself; positions before {@link
 * #labelStart} carry none.
 */
public final class Example {

  private final int[] ids;
  private final int labelStart;

  /**
   * Makes an example.
   *
   * @param ids the token ids, at least one
   * @param labelStart the index of the first label token; at least 1, since the first token cannot
   *     be predicted
   */
  public Example(int[] ids, int labelStart) {
    if (ids.length == 0 || labelStart < 1 || labelStart > ids.length) {
      throw new IllegalArgumentException(
          "labelStart: "
              + labelStart
              + " of "
              + ids.length
              + " tokens (expected: 1 to the length)");
    }
    this.ids = ids.clone();
    this.labelStart = labelStart;
  }

  /** Returns the number of tokens. */
  public int length() {
    return ids.length;
  }

  /** Returns the token at {@code index}. */
  public int id(int index) {
    return ids[index];
  }

  /** Returns a copy of all token ids. */
  public int[] ids() {
    return ids.clone();
  }

  /** Returns the index of the first label token. */
  public int labelStart() {
    return labelStart;
  }

  /** Returns the number of label tokens. */
  public int labelTokens() {
    return ids.length - labelStart;
  }
}
