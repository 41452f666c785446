package org.edgefit.client.engine;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch, loaded once per JVM: its devices, threads, and the managers that own arrays.
 *
 * <p>The system property {@code edgefit.portableKernels} (true) makes the CPU use the device code
 * path, without shared memory: slower, for testing that code on machines without a GPU.
 */
public final class TorchEngine {

  private static final boolean PORTABLE = Boolean.getBoolean("edgefit.portableKernels");

  private static final ThreadLocal<Boolean> THREAD_IS_READY = ThreadLocal.withInitial(() -> false);

  private static @Nullable NDManager root;

  /** The devices that have been used, which are therefore there. */
  private static final Set<Device> DEVICES = ConcurrentHashMap.newKeySet();

  /** Returns the owner of all managers; the first call loads the native library. */
  static synchronized NDManager root() {
    if (root == null) {
      root = OwnLoader.loadEngine().newBaseManager(Device.cpu());
    }
    return root;
  }

  private TorchEngine() {}

  /** Returns a new manager for arrays on the CPU; see {@link #newManager(Device)}. */
  public static NDManager newManager() {
    return newManager(Device.cpu());
  }

  /**
   * Returns a new manager for arrays on a device, and makes the calling thread ready to compute: no
   * autograd, and no JIT optimisation on first calls.
   *
   * @param device the CPU or a GPU
   * @throws IllegalArgumentException if the engine's library sees no such device
   * @throws IllegalStateException if the library does not load
   */
  public static NDManager newManager(Device device) {
    NDManager manager = root().newSubManager(device);
    if (!device.equals(Device.cpu()) && !DEVICES.contains(device)) {
      try {
        manager.zeros(new Shape(1)).close();
        DEVICES.add(device);
      } catch (EngineException e) {
        manager.close();
        throw new IllegalArgumentException(
            "device: "
                + device
                + " (expected: cpu(), or a GPU that the engine's library sees; PyTorch "
                + root().getEngine().getVersion()
                + " says: "
                + String.valueOf(e.getMessage()).replaceFirst("(?s)\\. .*", "")
                + ")",
            e);
      }
    }
    if (!THREAD_IS_READY.get()) {
      JniUtils.setGradMode(false);
      JniUtils.setGraphExecutorOptimize(false);
      THREAD_IS_READY.set(true);
    }
    return manager;
  }

  /**
   * Returns whether a manager's arrays share memory with Java and use CPU kernels. Otherwise arrays
   * are copies, and results are read back.
   */
  public static boolean sharesMemory(NDManager manager) {
    return !PORTABLE && manager.getDevice().equals(Device.cpu());
  }

  /** Sets the number of intra-op threads, for the whole JVM. */
  public static void setThreads(int threads) {
    int most = 16 * Runtime.getRuntime().availableProcessors();
    if (threads < 1 || threads > most) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: 1 to " + most + ")");
    }
    newManager().close();
    JniUtils.setNumThreads(threads);
  }

  /** Returns the number of intra-op threads. */
  public static int threads() {
    newManager().close();
    return JniUtils.getNumThreads();
  }

  /** Synchronises: waits for all queued work on an array's device. */
  public static void await(NDArray array) {
    if (!array.getManager().getDevice().equals(Device.cpu())) {
      Kernels.corner(array);
    }
  }

  /** Frees a device's cached memory that is not in use. */
  public static void trim(Device device) {
    if (device.isGpu()) {
      JniUtils.emptyCudaCache();
    }
  }
}
