package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.client.model.TorchKernels;
import org.jspecify.annotations.Nullable;

/** The keys and values of the tokens that a text has so far, so that each is computed once. */
final class KeyValueCache implements AutoCloseable {

  private final NDManager manager = TorchKernels.newManager();
  private final List<Layer> layers = new ArrayList<>();

  KeyValueCache(int layerCount) {
    for (int i = 0; i < layerCount; i++) {
      layers.add(new Layer());
    }
  }

  /** Returns the part of one decoder block. */
  Layer layer(int index) {
    return layers.get(index);
  }

  @Override
  public void close() {
    manager.close();
  }

  /** Keys and values, each (B, K, S, D). */
  final class Layer {
    private @Nullable NDArray keys;
    private @Nullable NDArray values;

    boolean isEmpty() {
      return keys == null;
    }

    NDArray keys() {
      return required(keys);
    }

    NDArray values() {
      return required(values);
    }

    private NDArray required(@Nullable NDArray array) {
      if (array == null) {
        throw new IllegalStateException("the cache is empty");
      }
      return array;
    }

    void append(NDArray newKeys, NDArray newValues) {
      keys = joined(keys, newKeys);
      values = joined(values, newValues);
    }

    private NDArray joined(@Nullable NDArray past, NDArray next) {
      if (past == null) {
        return call(manager, "copy", next);
      }
      NDArray all = call(manager, "append", past, next);
      past.close();
      return all;
    }
  }
}
