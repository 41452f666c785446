package org.edgefit.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.format.model.ModelConfig;

/** A training step's matmuls with frozen weights, run alone. */
final class StepProducts {

  private static final int HEAD_ROWS = 128;

  private StepProducts() {}

  /** The operands of one product. */
  private record Product(NDArray x, NDArray w, NDArray y) {

    static Product of(NDManager manager, int rows, int inputs, int outputs, ComputeType type) {
      NDArray one = manager.ones(new Shape(1));
      NDArray x = Kernels.empty(manager, one, rows, inputs, type);
      NDArray w = Kernels.empty(manager, one, outputs, inputs, type);
      NDArray y = Kernels.empty(manager, one, rows, outputs, type);
      for (NDArray array : List.of(x, w, y)) {
        Kernels.fill(array, 0.25);
      }
      return new Product(x, w, y);
    }

    void forward(NDManager manager) {
      Kernels.linear(manager, x, w).close();
    }

    void backward(NDManager manager) {
      Kernels.linearBackward(manager, y, w, 0).close();
    }
  }

  /**
   * Returns the seconds of all products of a step: for each layer forward and for the gradient of
   * the input, those that are run once more, and those of the output head; and of the products with
   * the adapter on q, k, v and o, forward and backward.
   *
   * @param rows the tokens of the step
   * @param again the layers that run once more, without their last product and those with A
   * @param repeats how often all are run; the fastest counts
   */
  static double seconds(
      BaseModel base, ComputeType type, int rows, int rank, int again, int repeats) {
    ModelConfig config = base.config();
    double best = Double.POSITIVE_INFINITY;
    try (NDManager manager = base.newManager()) {
      List<Product> layer = new ArrayList<>();
      List<Product> down = new ArrayList<>();
      List<Product> up = new ArrayList<>();
      List<List<LinearSpec>> groups = config.linearGroups(0);
      for (int g = 0; g < groups.size(); g++) {
        List<LinearSpec> group = groups.get(g);
        int inputs = group.get(0).inputs();
        int outputs = group.stream().mapToInt(LinearSpec::outputs).sum();
        layer.add(Product.of(manager, rows, inputs, outputs, type));
        if (g < 2) {
          down.add(Product.of(manager, rows, inputs, rank * group.size(), type));
          group.forEach(l -> up.add(Product.of(manager, rows, rank, l.outputs(), type)));
        }
      }
      Product head =
          Product.of(
              manager,
              Math.min(rows, HEAD_ROWS),
              config.hiddenSize(),
              config.vocabularySize(),
              type);
      for (int repeat = 0; repeat < repeats; repeat++) {
        long start = System.nanoTime();
        for (int i = 0; i < config.layers(); i++) {
          layer.forEach(product -> product.forward(manager));
          down.forEach(product -> product.forward(manager));
          up.forEach(product -> product.forward(manager));
          if (i < again) {
            layer.subList(0, layer.size() - 1).forEach(product -> product.forward(manager));
            up.forEach(product -> product.forward(manager));
          }
          layer.forEach(product -> product.backward(manager));
          for (List<Product> adapter : List.of(down, up)) { // for the input, and for the weight
            for (Product product : adapter) {
              product.backward(manager);
              Kernels.weightGradient(manager, product.y(), product.x()).close();
            }
          }
        }
        for (int row = 0; row < rows; row += HEAD_ROWS) {
          head.forward(manager);
          head.backward(manager);
        }
        TorchEngine.await(head.y());
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
      }
    }
    return best;
  }
}
