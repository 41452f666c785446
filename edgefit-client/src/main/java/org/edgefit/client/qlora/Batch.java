package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import org.edgefit.data.Example;
import org.jspecify.annotations.Nullable;

/**
 * Examples side by side, padded on the right. The attention is causal, so no position that counts
 * ever sees the padding.
 *
 * <p>A position's row is {@code example * length + position}. The row of a label is the position
 * before the labelled token, which predicts it.
 */
final class Batch {

  private final int size;
  private final int[] positions;
  private final long[] ids;
  private final long[] labelRows;
  private final long[] labels;
  private final int[] labelExamples;
  private final float @Nullable [] mask;

  private Batch(
      int size,
      int[] positions,
      long[] ids,
      long[] labelRows,
      long[] labels,
      int[] labelExamples,
      float @Nullable [] mask) {
    this.size = size;
    this.positions = positions;
    this.ids = ids;
    this.labelRows = labelRows;
    this.labels = labels;
    this.labelExamples = labelExamples;
    this.mask = mask;
  }

  /**
   * Returns a batch for training or scoring: each example without its last token, which no position
   * needs to see.
   */
  static Batch of(List<Example> examples) {
    int length = 1;
    int labelTokens = 0;
    for (Example example : examples) {
      length = Math.max(length, example.length() - 1);
      labelTokens += example.labelTokens();
    }
    long[] ids = new long[examples.size() * length];
    long[] rows = new long[labelTokens];
    long[] labels = new long[labelTokens];
    int[] owners = new int[labelTokens];
    int next = 0;
    for (int e = 0; e < examples.size(); e++) {
      Example example = examples.get(e);
      for (int i = 0; i < Math.min(length, example.length()); i++) {
        ids[e * length + i] = example.id(i);
      }
      for (int i = example.labelStart(); i < example.length(); i++) {
        rows[next] = (long) e * length + i - 1;
        labels[next] = example.id(i);
        owners[next] = e;
        next++;
      }
    }
    return new Batch(examples.size(), range(0, length), ids, rows, labels, owners, null);
  }

  /** Returns one text, every position of which is of interest. */
  static Batch of(int[] tokens) {
    return continuing(0, tokens);
  }

  /** Returns the next tokens of a text of which {@code past} have been seen. */
  static Batch continuing(int past, int... tokens) {
    long[] ids = new long[tokens.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens[i];
    }
    return new Batch(
        1, range(past, tokens.length), ids, new long[0], new long[0], new int[0], null);
  }

  /**
   * Returns one text with several endings, side by side in one row: each ending sees the text and
   * itself, so the text is run once. The labels are the endings' tokens; an ending's last token is
   * left out of the input, since nothing follows it.
   *
   * @param text the tokens that all endings follow, at least one
   */
  static Batch branching(int[] text, List<int[]> endings) {
    int length = text.length;
    int labelTokens = 0;
    for (int[] ending : endings) {
      length += Math.max(0, ending.length - 1);
      labelTokens += ending.length;
    }
    long[] ids = new long[length];
    int[] positions = range(0, length);
    long[] rows = new long[labelTokens];
    long[] labels = new long[labelTokens];
    int[] owners = new int[labelTokens];
    float[] mask = new float[length * length];
    Arrays.fill(mask, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < text.length; i++) {
      ids[i] = text[i];
      Arrays.fill(mask, i * length, i * length + i + 1, 0);
    }
    int next = text.length;
    int label = 0;
    for (int e = 0; e < endings.size(); e++) {
      int[] ending = endings.get(e);
      int start = next;
      for (int i = 0; i < ending.length; i++) {
        rows[label] = i == 0 ? text.length - 1 : start + i - 1;
        labels[label] = ending[i];
        owners[label++] = e;
        if (i < ending.length - 1) {
          ids[next] = ending[i];
          positions[next] = text.length + i;
          Arrays.fill(mask, next * length, next * length + text.length, 0);
          Arrays.fill(mask, next * length + start, next * length + next + 1, 0);
          next++;
        }
      }
    }
    return new Batch(1, positions, ids, rows, labels, owners, mask);
  }

  private static int[] range(int from, int length) {
    int[] range = new int[length];
    for (int i = 0; i < length; i++) {
      range[i] = from + i;
    }
    return range;
  }

  /** Returns the number of examples. */
  int size() {
    return size;
  }

  /** Returns the number of positions of each example, padding included. */
  int length() {
    return positions.length;
  }

  /** Returns the position of each of an example's tokens in its text. */
  int[] positions() {
    return positions;
  }

  /**
   * Returns what is added to the attention's scores, (1, 1, length, length), or null where each
   * token sees all before it.
   */
  @Nullable NDArray mask(NDManager manager) {
    if (mask == null) {
      return null;
    }
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(mask.length * Float.BYTES).order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(mask);
    return manager.create(bytes, new Shape(1, 1, length(), length()), DataType.FLOAT32);
  }

  /** Returns the number of rows. */
  int rows() {
    return size * length();
  }

  /** Returns the number of labelled tokens. */
  int labelTokens() {
    return labels.length;
  }

  /** Returns the example that label {@code index} belongs to. */
  int labelExample(int index) {
    return labelExamples[index];
  }

  /** Returns the token ids, (rows). */
  NDArray ids(NDManager manager) {
    return longs(manager, ids, 0, ids.length);
  }

  /** Returns the rows of labels {@code from} to {@code to}. */
  NDArray labelRows(NDManager manager, int from, int to) {
    return longs(manager, labelRows, from, to);
  }

  /** Returns the token ids of labels {@code from} to {@code to}. */
  NDArray labels(NDManager manager, int from, int to) {
    return longs(manager, labels, from, to);
  }

  private static NDArray longs(NDManager manager, long[] values, int from, int to) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect((to - from) * Long.BYTES).order(ByteOrder.nativeOrder());
    LongBuffer view = bytes.asLongBuffer();
    view.put(values, from, to - from);
    return manager.create(bytes, new Shape(to - from), DataType.INT64);
  }
}
