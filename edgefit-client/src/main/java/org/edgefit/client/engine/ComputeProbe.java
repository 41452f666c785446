package org.edgefit.client.engine;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.edgefit.format.model.ModelConfig;

/**
 * A benchmark of each compute type's matmuls on a model's shapes.
 *
 * @param seconds the time of one block's matmuls, forward and backward, by type; infinite if the
 *     machine does not support it
 */
public record ComputeProbe(Map<ComputeType, Double> seconds) {

  /** What was found of each device. */
  private static final Map<Device, Map<ComputeType, Boolean>> SUPPORTED = new ConcurrentHashMap<>();

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

  /**
   * Returns whether a device supports matmuls in a type, forward and backward. It runs one, so the
   * answer is the engine's and not a list of processors.
   *
   * @throws IllegalArgumentException if the device is not there
   */
  public static boolean supports(ComputeType type, Device device) {
    return SUPPORTED
        .computeIfAbsent(device, of -> new ConcurrentHashMap<>())
        .computeIfAbsent(type, of -> multiplies(of, device));
  }

  /**
   * Checks that a device supports a type.
   *
   * @throws IllegalArgumentException if it has none, or is not there
   */
  public static void require(ComputeType type, Device device) {
    if (!supports(type, device)) {
      String name = type.name().toLowerCase(Locale.ROOT);
      throw new IllegalArgumentException(
          "compute: "
              + name
              + " (expected: float32; "
              + (device.equals(Device.cpu()) ? "this processor" : device)
              + " does not support "
              + name
              + ")");
    }
  }

  private static boolean multiplies(ComputeType type, Device device) {
    int size = 16;
    try (NDManager manager = TorchEngine.newManager(device)) {
      NDArray x = filled(manager, size, size, type, 0.5);
      NDArray w = filled(manager, size, size, type, 0.25);
      NDArray y = Kernels.linear(manager, x, w);
      NDArray dx = Kernels.linearBackward(manager, y, w, 0);
      float corner = Kernels.corner(dx);
      return corner == size * 0.25f * (size * 0.5f * 0.25f);
    } catch (EngineException e) { // the engine has no such product for this processor
      return false;
    }
  }

  private static NDArray filled(
      NDManager manager, int rows, int columns, ComputeType type, double value) {
    try (NDArray one = manager.ones(new Shape(1, 1))) {
      NDArray x = Kernels.empty(manager, one, rows, columns, type);
      Kernels.fill(x, value);
      return x;
    }
  }

  /** Measures for about a tenth of a second on a small model, and seconds on a large one. */
  public static ComputeProbe measure(ModelConfig config, Device device) {
    Map<ComputeType, Double> seconds = new EnumMap<>(ComputeType.class);
    for (ComputeType type : ComputeType.values()) {
      seconds.put(
          type, supports(type, device) ? measure(config, type, device) : Double.POSITIVE_INFINITY);
    }
    return new ComputeProbe(seconds);
  }

  /** Measures on the shapes of a small model, enough for a recommendation. */
  public static ComputeProbe of(Device device) {
    return measure(ModelConfig.shape("smollm2-135m"), device);
  }

  private static double measure(ModelConfig config, ComputeType type, Device device) {
    double sum = 0;
    try (NDManager manager = TorchEngine.newManager(device)) {
      boolean isCpu = device.equals(Device.cpu());
      int rows = isCpu ? ROWS : DEVICE_ROWS;
      int products = isCpu ? 1 : DEVICE_PRODUCTS;
      for (var group : config.linearGroups(0)) {
        int inputs = group.get(0).inputs();
        int outputs = group.stream().mapToInt(layer -> layer.outputs()).sum();
        try (NDArray x = filled(manager, rows, inputs, type, 0.5);
            NDArray w = filled(manager, outputs, inputs, type, 0.25)) {
          double best = Double.POSITIVE_INFINITY;
          for (int repeat = 0; repeat < 3; repeat++) {
            long start = System.nanoTime();
            for (int product = 0; product < products; product++) {
              try (NDArray y = Kernels.linear(manager, x, w)) {
                Kernels.linearBackward(manager, y, w, 0).close();
              }
            }
            TorchEngine.await(x);
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
          }
          sum += best;
        }
      }
    }
    return sum;
  }

  /** Returns the speedup of bfloat16 over float32. */
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
