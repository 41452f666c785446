package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.HashMap;
import java.util.Map;
import org.edgefit.client.engine.Kernels;
import org.jspecify.annotations.Nullable;

/**
 * What is added to the attention's scores of a text, where more than the tokens to come is hidden.
 * Layers share the masks.
 */
final class AttentionMasks {

  /**
   * What texts with the same mask have in common.
   *
   * @param start the text's first row, where each has a mask of its own; otherwise 0
   */
  private record Key(int start, int rows, int window) {}

  private final NDManager manager;
  private final Batch batch;
  private final Map<Key, NDArray> masks = new HashMap<>();

  AttentionMasks(NDManager manager, Batch batch) {
    this.manager = manager;
    this.batch = batch;
  }

  /**
   * Returns a text's mask, (1, 1, rows, rows), or null where each token sees all before it.
   *
   * @param window how many tokens each one sees, itself included; 0 for all
   */
  @Nullable NDArray of(Batch.Segment text, int window) {
    boolean isWindowed = window > 0 && text.rows() > window;
    if (!isWindowed && !batch.isMasked()) {
      return null;
    }
    return masks.computeIfAbsent(
        new Key(batch.isMasked() ? text.start() : 0, text.rows(), isWindowed ? window : 0),
        key -> batch.isMasked() ? batch.mask(manager, text, key.window()) : windowed(key));
  }

  private NDArray windowed(Key key) {
    try (NDArray like = manager.zeros(new Shape(1))) {
      return Kernels.windowMask(manager, like, key.rows(), key.window());
    }
  }
}
