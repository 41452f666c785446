package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.edgefit.adapter.LinearSpec;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers with a shared input and concatenated outputs: query, key, value; gate and up; or
 * just one.
 *
 * @param layers the layers, in the order of their columns in the output
 * @param weights their weights, stacked by rows; a matrix may hold several layers
 * @param bias (outputs); null for none
 */
public record LinearStack(
    List<LinearSpec> layers, List<FrozenMatrix> weights, @Nullable NDArray bias) {

  /** Copies the lists. */
  public LinearStack {
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
  }

  /** Returns the columns of the input. */
  public int inputs() {
    return layers.get(0).inputs();
  }

  /** Returns the columns of the output. */
  public int outputs() {
    return layers.stream().mapToInt(LinearSpec::outputs).sum();
  }

  /** Returns the bytes of the weights. */
  long bytes() {
    long bytes = bias == null ? 0 : bias.size() * Float.BYTES;
    for (FrozenMatrix weight : weights) {
      bytes += weight.bytes();
    }
    return bytes;
  }
}
