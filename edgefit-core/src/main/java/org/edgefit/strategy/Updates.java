package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.TensorSpec;

/**
 * Updates in client-id order. Combined values are computed a block of one tensor at a time: the
 * memory is that of the result, and of a block for each client.
 */
final class Updates implements UpdateSet {

  /** The most values of one client that are looked at together. */
  private static final int BLOCK = 1 << 14;

  /** Values of all clients that fit a processor's cache. */
  private static final int CACHED = 1 << 16;

  private static final int LEAST_BLOCK = 1 << 8;

  private final List<Update> updates;
  private final double[] weights;

  Updates(List<? extends Update> updates) {
    if (updates.isEmpty()) {
      throw new IllegalArgumentException("updates: none (expected: at least one)");
    }
    List<Update> sorted = new ArrayList<>(updates);
    sorted.sort(Comparator.comparing(Update::clientId).thenComparing(Update::task));
    this.updates = List.copyOf(sorted);
    this.weights = this.updates.stream().mapToDouble(Update::weight).toArray();
  }

  private Updates(List<Update> updates, double[] weights) {
    this.updates = updates;
    this.weights = weights;
  }

  @Override
  public int size() {
    return updates.size();
  }

  @Override
  public Iterator<Update> iterator() {
    return IntStream.range(0, weights.length)
        .<Update>mapToObj(u -> new WeightedUpdate(updates.get(u), weights[u]))
        .iterator();
  }

  @Override
  public AdapterLayout layout() {
    AdapterLayout layout = updates.get(0).layout();
    for (Update update : updates) {
      try {
        layout.requireSame(update.layout());
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(update.clientId() + ": " + e.getMessage(), e);
      }
    }
    return layout;
  }

  @Override
  public UpdateSet weighted(ToDoubleFunction<Update> weight) {
    double[] others = new double[weights.length];
    for (int u = 0; u < others.length; u++) {
      others[u] = weight.applyAsDouble(new WeightedUpdate(updates.get(u), weights[u]));
      if (!(others[u] > 0) || Double.isInfinite(others[u])) {
        throw new RoundFailedException(
            updates.get(u).clientId() + ": weight " + others[u] + " (expected: a number > 0)");
      }
    }
    return new Updates(updates, others);
  }

  @Override
  public AdapterDelta weightedMean() {
    double total = 0;
    for (double weight : weights) {
      total += weight;
    }
    return weightedSum(total);
  }

  @Override
  public AdapterDelta weightedSum(double divisor) {
    double[] sums = new double[BLOCK];
    float[] values = new float[BLOCK];
    return blockwise(
        BLOCK,
        (tensor, from, out) -> {
          int count = out.remaining();
          Arrays.fill(sums, 0, count, 0);
          for (int u = 0; u < weights.length; u++) {
            updates.get(u).read(tensor, from, FloatBuffer.wrap(values, 0, count));
            double weight = weights[u];
            for (int i = 0; i < count; i++) {
              sums[i] += weight * values[i];
            }
          }
          for (int i = 0; i < count; i++) {
            out.put((float) (sums[i] / divisor));
          }
        });
  }

  @Override
  public AdapterDelta coordinatewise(Coordinate rule) {
    return coordinatewise(rule, (values, count) -> {});
  }

  @Override
  public AdapterDelta coordinatewiseSorted(Coordinate rule) {
    return coordinatewise(rule, new SortingNetwork(weights.length)::sort);
  }

  private interface Arrangement {
    /** Arranges the clients' values, a row for each client. */
    void arrange(float[][] values, int count);
  }

  private AdapterDelta coordinatewise(Coordinate rule, Arrangement arrangement) {
    int block = Math.min(BLOCK, Math.max(LEAST_BLOCK, CACHED / weights.length));
    float[][] values = new float[weights.length][block];
    double[] ofOne = new double[weights.length];
    return blockwise(
        block,
        (tensor, from, out) -> {
          int count = out.remaining();
          for (int u = 0; u < values.length; u++) {
            updates.get(u).read(tensor, from, FloatBuffer.wrap(values[u], 0, count));
          }
          arrangement.arrange(values, count);
          for (int i = 0; i < count; i++) {
            for (int u = 0; u < values.length; u++) {
              ofOne[u] = values[u][i];
            }
            out.put((float) rule.combine(ofOne));
          }
        });
  }

  private interface Block {
    /** Computes values of a tensor from {@code from} on; {@code out} is to be filled. */
    void compute(int tensor, int from, FloatBuffer out);
  }

  private AdapterDelta blockwise(int most, Block block) {
    AdapterLayout layout = layout();
    List<FloatBuffer> result = new ArrayList<>();
    for (int t = 0; t < layout.tensors().size(); t++) {
      TensorSpec tensor = layout.tensors().get(t);
      FloatBuffer out = FloatBuffer.allocate(tensor.elements());
      for (int from = 0; from < tensor.elements(); from += most) {
        out.position(from).limit(Math.min(tensor.elements(), from + most));
        block.compute(t, from, out);
      }
      result.add(out.clear());
    }
    return AdapterDelta.of(layout, result);
  }
}
