package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.random.Seed;

/** The weights of a LoRA adapter. Immutable. */
public final class Adapter {

  private final LoraConfig config;
  private final AdapterLayout layout;
  private final List<FloatBuffer> values;

  private Adapter(LoraConfig config, AdapterLayout layout, List<FloatBuffer> values) {
    this.config = config.namesGroups() ? config.resolvedFor(layout.layers()) : config;
    this.layout = layout;
    this.values = layout.requireFits(values);
  }

  /**
   * Returns an adapter that wraps the given buffers, which must not be modified afterwards.
   *
   * @param values one buffer per tensor of the layout, in its order
   */
  public static Adapter of(LoraConfig config, AdapterLayout layout, List<FloatBuffer> values) {
    return new Adapter(config, layout, values);
  }

  /**
   * Returns a new adapter: A uniform in ±1/sqrt(inputs) (PEFT's Kaiming-uniform with a = sqrt(5))
   * and B zero, so that it is initially a no-op. Each tensor has its own random stream.
   *
   * @param config the config, whose targets may be {@code attention} etc.
   */
  public static Adapter initial(LoraConfig config, List<LinearSpec> layers, Seed seed) {
    AdapterLayout layout = AdapterLayout.of(config, layers);
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      values.add(FloatBuffer.allocate(tensor.elements()));
    }
    for (LoraPair pair : layout.pairs()) {
      double bound = 1 / Math.sqrt(pair.layer().inputs());
      SplittableRandom random = seed.split(layout.tensors().get(pair.a()).name()).generator();
      FloatBuffer a = values.get(pair.a());
      for (int i = 0; i < a.capacity(); i++) {
        a.put(i, (float) ((2 * random.nextDouble() - 1) * bound));
      }
    }
    return new Adapter(config, layout, values);
  }

  /** Returns the adapter's config. */
  public LoraConfig config() {
    return config;
  }

  /** Returns the names and shapes of the tensors. */
  public AdapterLayout layout() {
    return layout;
  }

  /** Returns a read-only view of the values of tensor {@code index}, row by row. */
  public FloatBuffer tensor(int index) {
    return values.get(index).duplicate();
  }

  /**
   * Checks that every weight is a number.
   *
   * @throws IllegalArgumentException naming the first tensor, index and value that is not finite
   */
  public void requireFinite() {
    layout.requireFinite(values);
  }

  /**
   * Returns this adapter truncated or zero-padded to another rank (rows of A, columns of B). Alpha
   * changes so that the scaling of {@code B A x} is unchanged.
   */
  public Adapter withRank(int rank) {
    AdapterLayout resized = layout.withRank(rank);
    return new Adapter(config.withRank(rank), resized, layout.resized(values, resized));
  }

  /** Returns this adapter plus {@code delta}. */
  public Adapter plus(AdapterDelta delta) {
    return new Adapter(
        config, layout, combine(delta.layout(), delta::tensor, (mine, change) -> mine + change));
  }

  /**
   * Returns this adapter plus {@code factor} times a delta, computed in double and rounded to
   * float32 once.
   */
  public Adapter plus(AdapterDelta delta, double factor) {
    return new Adapter(
        config,
        layout,
        combine(delta.layout(), delta::tensor, (mine, change) -> (float) (mine + factor * change)));
  }

  /** Returns the delta from {@code origin} to this adapter. */
  public AdapterDelta minus(Adapter origin) {
    return AdapterDelta.of(
        layout, combine(origin.layout, origin::tensor, (mine, theirs) -> mine - theirs));
  }

  private List<FloatBuffer> combine(
      AdapterLayout otherLayout, TensorSource other, FloatOperator operator) {
    layout.requireSame(otherLayout);
    List<FloatBuffer> result = new ArrayList<>();
    for (int t = 0; t < values.size(); t++) {
      FloatBuffer mine = values.get(t);
      FloatBuffer theirs = other.tensor(t);
      float[] out = new float[mine.capacity()];
      for (int i = 0; i < out.length; i++) {
        out[i] = operator.apply(mine.get(i), theirs.get(i));
      }
      result.add(FloatBuffer.wrap(out));
    }
    return result;
  }

  private interface TensorSource {
    FloatBuffer tensor(int index);
  }

  private interface FloatOperator {
    float apply(float a, float b);
  }
}
