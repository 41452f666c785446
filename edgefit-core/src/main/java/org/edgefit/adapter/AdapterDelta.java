package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A client's adapter delta: weights after local training minus weights before. Its values may be on
 * the heap or in a memory-mapped file.
 */
public final class AdapterDelta {

  private final AdapterLayout layout;
  private final List<FloatBuffer> values;

  private AdapterDelta(AdapterLayout layout, List<FloatBuffer> values) {
    this.layout = layout;
    this.values = layout.requireFits(values);
  }

  /**
   * Returns a delta that wraps the given buffers, which must not be modified afterwards.
   *
   * @param values one buffer per tensor of the layout, in its order
   */
  public static AdapterDelta of(AdapterLayout layout, List<FloatBuffer> values) {
    return new AdapterDelta(layout, values);
  }

  /** Returns the names and shapes of the tensors. */
  public AdapterLayout layout() {
    return layout;
  }

  /** Returns a read-only view of the values of tensor {@code index}, row by row. */
  public FloatBuffer tensor(int index) {
    return values.get(index).duplicate();
  }

  /** Returns a zero delta. */
  public static AdapterDelta zero(AdapterLayout layout) {
    List<FloatBuffer> zeros = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      zeros.add(FloatBuffer.allocate(tensor.elements()));
    }
    return new AdapterDelta(layout, zeros);
  }

  /** Returns this change times {@code factor}, each product rounded to float32 once. */
  public AdapterDelta scaled(double factor) {
    List<FloatBuffer> products = new ArrayList<>();
    for (FloatBuffer tensor : values) {
      float[] product = new float[tensor.capacity()];
      for (int i = 0; i < product.length; i++) {
        product[i] = (float) (factor * tensor.get(i));
      }
      products.add(FloatBuffer.wrap(product));
    }
    return new AdapterDelta(layout, products);
  }

  /** Returns the sum of two changes. */
  public AdapterDelta plus(AdapterDelta other) {
    return plus(other, 1);
  }

  /**
   * Returns this change plus {@code factor} times another, computed in double and rounded to
   * float32 once.
   */
  public AdapterDelta plus(AdapterDelta other, double factor) {
    layout.requireSame(other.layout);
    List<FloatBuffer> sums = new ArrayList<>();
    for (int t = 0; t < values.size(); t++) {
      FloatBuffer mine = values.get(t);
      FloatBuffer theirs = other.values.get(t);
      float[] sum = new float[mine.capacity()];
      for (int i = 0; i < sum.length; i++) {
        sum[i] = (float) (mine.get(i) + factor * theirs.get(i));
      }
      sums.add(FloatBuffer.wrap(sum));
    }
    return new AdapterDelta(layout, sums);
  }

  /** Returns this delta with another rank; see {@link Adapter#withRank}. */
  public AdapterDelta withRank(int rank) {
    AdapterLayout resized = layout.withRank(rank);
    return new AdapterDelta(resized, layout.resized(values, resized));
  }

  /** Returns the Euclidean norm over all tensors, summed in double. */
  public double norm() {
    double sum = 0;
    for (FloatBuffer tensor : values) {
      for (int i = 0; i < tensor.capacity(); i++) {
        sum += (double) tensor.get(i) * tensor.get(i);
      }
    }
    return Math.sqrt(sum);
  }

  /**
   * Checks that every value is a number.
   *
   * @throws IllegalArgumentException naming the first tensor, index and value that is not finite
   */
  public void requireFinite() {
    layout.requireFinite(values);
  }
}
