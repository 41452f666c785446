package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.model.BaseModel;
import org.jspecify.annotations.Nullable;

/** The keys and values of the tokens that one text has so far, so that each is computed once. */
final class KeyValueCache implements AutoCloseable {

  private final NDManager manager;
  private final List<Layer> layers = new ArrayList<>();
  private final int capacity;
  private int tokens;

  /**
   * Makes an empty cache.
   *
   * @param capacity the most tokens of the text
   */
  KeyValueCache(BaseModel base, int capacity) {
    this.manager = base.newManager();
    this.capacity = capacity;
    for (int i = 0; i < base.config().layers(); i++) {
      layers.add(new Layer());
    }
  }

  /** Returns the part of one decoder block. */
  Layer layer(int index) {
    return layers.get(index);
  }

  /** Returns the number of tokens whose keys and values every block has. */
  int tokens() {
    return tokens;
  }

  /** Notes that every block has those of so many tokens more. */
  void advance(int more) {
    tokens += more;
  }

  @Override
  public void close() {
    manager.close();
  }

  /** Keys and values of one block, side by side, (capacity, 2 K D). */
  final class Layer {
    private @Nullable NDArray rows;

    /** Returns how many tokens are here. */
    int tokens() {
      return tokens;
    }

    /** Keeps the keys and values of a text's first tokens. */
    void fill(NDArray qkv, Kernels.Span text, int width) {
      Kernels.cacheRows(allocated(qkv, width), qkv, text);
    }

    /** Returns the memory, which has room for one token more. */
    NDArray rows() {
      if (rows == null) {
        throw new IllegalStateException("the cache is empty");
      }
      return rows;
    }

    private NDArray allocated(NDArray like, int width) {
      if (rows == null) {
        rows = Kernels.empty(manager, like, capacity, width);
      }
      return rows;
    }
  }
}
