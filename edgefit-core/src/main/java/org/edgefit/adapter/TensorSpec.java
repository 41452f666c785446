package org.edgefit.adapter;

import java.util.List;

/**
 * The name and shape of a float32 tensor.
 *
 * @param name the tensor's name, as PEFT writes it
 * @param shape the dimensions, outermost first, each at least 1
 */
public record TensorSpec(String name, List<Integer> shape) {

  /** Checks that the tensor has a name, and at most {@code Integer.MAX_VALUE} elements. */
  public TensorSpec {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("tensor name: empty (expected: at least one character)");
    }
    shape = List.copyOf(shape);
    long elements = 1;
    for (int dimension : shape) {
      if (dimension < 1) {
        throw new IllegalArgumentException(
            name + ": shape " + shape + " (expected: every dimension >= 1)");
      }
      elements *= dimension;
      if (elements > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            name + ": shape " + shape + " (expected: fewer than 2^31 elements)");
      }
    }
  }

  /** Returns the number of elements. */
  public int elements() {
    int elements = 1;
    for (int dimension : shape) {
      elements *= dimension;
    }
    return elements;
  }
}
