package org.edgefit.client.model;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.EnumMap;
import java.util.Map;
import org.edgefit.format.ModelConfig;

/**
 * How fast this machine multiplies in each compute type, on a model's own shapes.
 *
 * @param seconds the time of one block's products, forward and backward, by type
 */
public record ComputeProbe(Map<ComputeType, Double> seconds) {

  private static final int ROWS = 256;

  /** On a device a product is over sooner than it is begun: more rows, and many in turn. */
  private static final int DEVICE_ROWS = 2048;

  private static final int DEVICE_PRODUCTS = 20;

  /** A type must be this much faster than float32 to be worth its rounding. */
  private static final double WORTHWHILE = 1.2;

  /** Copies the times. */
  public ComputeProbe {
    seconds = new EnumMap<>(seconds);
  }

  /** Measures for about a tenth of a second on a small model, and seconds on a large one. */
  public static ComputeProbe measure(ModelConfig config, Device device) {
    Map<ComputeType, Double> seconds = new EnumMap<>(ComputeType.class);
    for (ComputeType type : ComputeType.values()) {
      try {
        seconds.put(type, measure(config, type, device));
      } catch (EngineException e) { // the processor has no such products
        seconds.put(type, Double.POSITIVE_INFINITY);
      }
    }
    return new ComputeProbe(seconds);
  }

  /** Measures on the shapes of a small model, which tells enough to advise. */
  public static ComputeProbe of(Device device) {
    return measure(ModelConfig.shape("smollm2-135m"), device);
  }

  /** Returns whether the machine has products of a type. */
  public boolean has(ComputeType type) {
    return Double.isFinite(time(type));
  }

  private static double measure(ModelConfig config, ComputeType type, Device device) {
    double sum = 0;
    try (NDManager manager = TorchKernels.newManager(device)) {
      NDArray one = manager.ones(new Shape(1, 1));
      boolean isCpu = device.equals(Device.cpu());
      int rows = isCpu ? ROWS : DEVICE_ROWS;
      int products = isCpu ? 1 : DEVICE_PRODUCTS;
      for (var group : config.linearGroups(0)) {
        int inputs = group.get(0).inputs();
        int outputs = group.stream().mapToInt(layer -> layer.outputs()).sum();
        int code = type.torchCode();
        try (NDArray x = TorchKernels.call(manager, "empty_of", one, rows, inputs, code);
            NDArray w = TorchKernels.call(manager, "empty_of", one, outputs, inputs, code)) {
          TorchKernels.update("fill_", x, 0.5);
          TorchKernels.update("fill_", w, 0.25);
          double best = Double.POSITIVE_INFINITY;
          for (int repeat = 0; repeat < 3; repeat++) {
            long start = System.nanoTime();
            for (int product = 0; product < products; product++) {
              try (NDArray y = TorchKernels.call(manager, "linear", x, w)) {
                TorchKernels.call(manager, "linear_backward", y, w, 0).close();
              }
            }
            TorchKernels.await(x);
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
          }
          sum += best;
        }
      }
    }
    return sum;
  }

  /** Returns how many times as fast as float32 bfloat16 is. */
  public double bfloat16Speedup() {
    return time(ComputeType.FLOAT32) / time(ComputeType.BFLOAT16);
  }

  private double time(ComputeType type) {
    Double time = seconds.get(type);
    return time == null ? Double.NaN : time;
  }

  /** Returns the type to take: float32 unless another is clearly faster. */
  public ComputeType choice() {
    return bfloat16Speedup() > WORTHWHILE ? ComputeType.BFLOAT16 : ComputeType.FLOAT32;
  }
}
