package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.List;
import org.edgefit.data.Example;

/**
 * Examples side by side, padded on the right. The attention is causal, so no position that counts
 * ever sees the padding.
 *
 * <p>A position's row is {@code example * length + position}. The row of a label is the position
 * before the labelled token, which predicts it.
 */
final class Batch {

  private final int size;
  private final int length;
  private final long[] ids;
  private final long[] labelRows;
  private final long[] labels;
  private final int[] labelExamples;

  private Batch(
      int size, int length, long[] ids, long[] labelRows, long[] labels, int[] labelExamples) {
    this.size = size;
    this.length = length;
    this.ids = ids;
    this.labelRows = labelRows;
    this.labels = labels;
    this.labelExamples = labelExamples;
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
    return new Batch(examples.size(), length, ids, rows, labels, owners);
  }

  /** Returns one text, every position of which is of interest. */
  static Batch of(int[] tokens) {
    long[] ids = new long[tokens.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens[i];
    }
    return new Batch(1, tokens.length, ids, new long[0], new long[0], new int[0]);
  }

  /** Returns the number of examples. */
  int size() {
    return size;
  }

  /** Returns the number of positions of each example, padding included. */
  int length() {
    return length;
  }

  /** Returns the number of rows. */
  int rows() {
    return size * length;
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
