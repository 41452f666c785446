package org.edgefit.format.safetensors;

import java.util.List;
import org.edgefit.adapter.TensorSpec;

/**
 * A tensor as a safetensors header declares it.
 *
 * @param name the tensor's name
 * @param type the element type
 * @param shape the dimensions, outermost first; empty for a scalar
 */
public record StoredTensor(String name, TensorType type, List<Long> shape) {

  /** Keeps the shape, and refuses a negative dimension or a size beyond a long. */
  public StoredTensor {
    shape = List.copyOf(shape);
    try {
      long bytes = type.bytes();
      for (long dimension : shape) {
        if (dimension < 0) {
          throw new IllegalArgumentException(
              name + ": shape " + shape + " (expected: no negative dimension)");
        }
        bytes = Math.multiplyExact(bytes, dimension);
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          name + ": shape " + shape + " (expected: fewer than 2^63 bytes)", e);
    }
  }

  /** Returns the number of elements. */
  public long elements() {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return elements;
  }

  /** Returns the bytes of all elements. */
  public long bytes() {
    return elements() * type.bytes();
  }

  /** Returns a float32 tensor of a layout, as a header declares it. */
  public static StoredTensor f32(TensorSpec spec) {
    return new StoredTensor(
        spec.name(), TensorType.F32, spec.shape().stream().map(Integer::longValue).toList());
  }
}
