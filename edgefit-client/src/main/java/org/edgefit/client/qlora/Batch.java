package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.edgefit.data.Example;
import org.jspecify.annotations.Nullable;

/**
 * A padding-free batch: concatenated sequences, one row per token. Attention stays within a
 * sequence; everything else runs over all rows.
 *
 * <p>The row of a label is that of the token before the labelled one, which predicts it.
 */
final class Batch {

  /**
   * A text's rows.
   *
   * @param start the first
   * @param rows how many there are
   */
  record Segment(int start, int rows) {}

  private final List<Segment> segments;
  private final int[] positions;
  private final long[] ids;
  private final long[] labelRows;
  private final long[] labels;
  private final int[] labelExamples;
  private final @Nullable List<float[]> masks;

  private Batch(
      List<Segment> segments,
      int[] positions,
      long[] ids,
      long[] labelRows,
      long[] labels,
      int[] labelExamples,
      @Nullable List<float[]> masks) {
    this.segments = List.copyOf(segments);
    this.positions = positions;
    this.ids = ids;
    this.labelRows = labelRows;
    this.labels = labels;
    this.labelExamples = labelExamples;
    this.masks = masks;
  }

  /**
   * Returns a batch for training or scoring: each example without its last token, which no position
   * needs to see.
   */
  static Batch packed(List<Example> examples) {
    return of(examples, 1);
  }

  /** Returns the same, with every example padded on the right to the longest. */
  static Batch padded(List<Example> examples) {
    return of(examples, examples.stream().mapToInt(Batch::inputs).max().orElse(1));
  }

  /** Returns how many of an example's tokens a forward pass takes: all but the last. */
  static int inputs(Example example) {
    return Math.max(1, example.length() - 1);
  }

  private static Batch of(List<Example> examples, int shortest) {
    List<Segment> segments = new ArrayList<>();
    int rows = 0;
    int labelTokens = 0;
    for (Example example : examples) {
      segments.add(new Segment(rows, Math.max(shortest, inputs(example))));
      rows += Math.max(shortest, inputs(example));
      labelTokens += example.labelTokens();
    }
    long[] ids = new long[rows];
    int[] positions = new int[rows];
    long[] labelRows = new long[labelTokens];
    long[] labels = new long[labelTokens];
    int[] owners = new int[labelTokens];
    int next = 0;
    for (int e = 0; e < examples.size(); e++) {
      Example example = examples.get(e);
      Segment segment = segments.get(e);
      for (int i = 0; i < segment.rows(); i++) {
        ids[segment.start() + i] = i < example.length() ? example.id(i) : 0;
        positions[segment.start() + i] = i;
      }
      for (int i = example.labelStart(); i < example.length(); i++) {
        labelRows[next] = segment.start() + i - 1L;
        labels[next] = example.id(i);
        owners[next++] = e;
      }
    }
    return new Batch(segments, positions, ids, labelRows, labels, owners, null);
  }

  /** Returns whole texts, every position of which is of interest. */
  static Batch texts(List<int[]> texts) {
    return following(texts, new int[texts.size()]);
  }

  /** Returns one text, every position of which is of interest. */
  static Batch of(int[] tokens) {
    return texts(List.of(tokens));
  }

  /**
   * Returns the next tokens of texts.
   *
   * @param past how many of each text have been seen
   */
  static Batch following(List<int[]> texts, int[] past) {
    List<Segment> segments = new ArrayList<>();
    int rows = texts.stream().mapToInt(text -> text.length).sum();
    long[] ids = new long[rows];
    int[] positions = new int[rows];
    int start = 0;
    for (int t = 0; t < texts.size(); t++) {
      int[] text = texts.get(t);
      segments.add(new Segment(start, text.length));
      for (int i = 0; i < text.length; i++) {
        ids[start + i] = text[i];
        positions[start + i] = past[t] + i;
      }
      start += text.length;
    }
    return new Batch(segments, positions, ids, new long[0], new long[0], new int[0], null);
  }

  /**
   * A text with several endings, side by side: each ending sees the text and itself, so the text is
   * run once. An ending's last token is left out of the input, since nothing follows it.
   */
  static final class Branching {
    private final int[] text;
    private final List<int[]> endings;

    /**
     * Makes one.
     *
     * @param text the tokens that all endings follow, at least one
     * @param endings the endings, whose tokens are the labels
     */
    Branching(int[] text, List<int[]> endings) {
      this.text = text;
      this.endings = List.copyOf(endings);
    }

    /** Returns the rows of a forward pass. */
    int rows() {
      return text.length
          + endings.stream().mapToInt(ending -> Math.max(0, ending.length - 1)).sum();
    }
  }

  /** Returns texts with their endings; a label's example is its ending, counted over all texts. */
  static Batch branching(List<Branching> texts) {
    int length = texts.stream().mapToInt(Branching::rows).sum();
    int labelTokens =
        texts.stream()
            .flatMap(text -> text.endings.stream())
            .mapToInt(ending -> ending.length)
            .sum();
    long[] ids = new long[length];
    int[] positions = new int[length];
    long[] rows = new long[labelTokens];
    long[] labels = new long[labelTokens];
    int[] owners = new int[labelTokens];
    List<Segment> segments = new ArrayList<>();
    List<float[]> masks = new ArrayList<>();
    int first = 0;
    int label = 0;
    int owner = 0;
    for (Branching branching : texts) {
      int[] text = branching.text;
      int own = branching.rows();
      float[] mask = new float[own * own];
      Arrays.fill(mask, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < text.length; i++) {
        ids[first + i] = text[i];
        positions[first + i] = i;
        Arrays.fill(mask, i * own, i * own + i + 1, 0);
      }
      int next = text.length;
      for (int[] ending : branching.endings) {
        int start = next;
        for (int i = 0; i < ending.length; i++) {
          rows[label] = first + (i == 0 ? text.length - 1L : start + i - 1L);
          labels[label] = ending[i];
          owners[label++] = owner;
          if (i < ending.length - 1) {
            ids[first + next] = ending[i];
            positions[first + next] = text.length + i;
            Arrays.fill(mask, next * own, next * own + text.length, 0);
            Arrays.fill(mask, next * own + start, next * own + next + 1, 0);
            next++;
          }
        }
        owner++;
      }
      segments.add(new Segment(first, own));
      masks.add(mask);
      first += own;
    }
    return new Batch(segments, positions, ids, rows, labels, owners, masks);
  }

  /** Returns the texts' rows. */
  List<Segment> segments() {
    return segments;
  }

  /** Returns the position of each row's token in its text. */
  int[] positions() {
    return positions;
  }

  /** Returns the tokens of the longest text, those seen before included. */
  int longest() {
    return 1 + Arrays.stream(positions).max().orElse(0);
  }

  /** Returns whether the batch says itself what sees what. */
  boolean isMasked() {
    return masks != null;
  }

  /**
   * Returns what is added to the attention's scores of a text, (1, 1, rows, rows).
   *
   * @param window how many tokens each one sees, by position; 0 for all
   */
  NDArray mask(NDManager manager, Segment text, int window) {
    if (masks == null) {
      throw new IllegalStateException("no mask");
    }
    float[] mask = masks.get(segments.indexOf(text));
    int own = text.rows();
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(mask.length * Float.BYTES).order(ByteOrder.nativeOrder());
    for (int row = 0; row < own; row++) {
      for (int column = 0; column < own; column++) {
        int distance = positions[text.start() + row] - positions[text.start() + column];
        boolean isNear = window == 0 || distance < window;
        bytes.putFloat(isNear ? mask[row * own + column] : Float.NEGATIVE_INFINITY);
      }
    }
    return manager.create(bytes.flip(), new Shape(1, 1, own, own), DataType.FLOAT32);
  }

  /** Returns the number of rows. */
  int rows() {
    return ids.length;
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

  /** Returns the last row of each text. */
  NDArray lastRows(NDManager manager) {
    long[] last = segments.stream().mapToLong(s -> s.start() + s.rows() - 1L).toArray();
    return longs(manager, last, 0, last.length);
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
