package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.random.Seed;

/** Values in [-1, 1) for the tensors of a layout, by a seed. */
public final class RandomValues {

  private RandomValues() {}

  /** Returns a buffer for each tensor. */
  public static List<FloatBuffer> of(AdapterLayout layout, long seed) {
    SplittableRandom random = new Seed(seed).generator();
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] numbers = new float[tensor.elements()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) (2 * random.nextDouble() - 1);
      }
      values.add(FloatBuffer.wrap(numbers));
    }
    return values;
  }
}
