package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;
import org.edgefit.client.model.TorchKernels;
import org.edgefit.random.Seed;

/**
 * Dropout on the inputs of LoRA branches. A mask follows from its seed alone, so the backward pass
 * makes it again instead of keeping it, and it is the same for any number of threads.
 *
 * <p>Layers that share an input (query, key and value; gate and up) share a mask, where PEFT draws
 * one for each: every branch still sees its own input with each element dropped at the stated rate.
 *
 * <p>SplitMix64 (Steele, Lea, Flood 2014) gives 64 bits for four elements; each is dropped if its
 * 16 bits are below {@code rate x 65,536}, rounded, and the others are scaled to keep the mean.
 */
final class Dropout implements AutoCloseable {

  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private static final int ELEMENTS_PER_TASK = 1 << 17;

  private final NDManager manager;
  private final int threshold;
  private final float scale;
  private ByteBuffer memory = ByteBuffer.allocateDirect(0);

  /**
   * Makes a source of masks.
   *
   * @param rate the share of elements that is dropped, in [0, 1)
   */
  Dropout(NDManager parent, double rate) {
    manager = parent.newSubManager();
    threshold = (int) Math.min(65535, Math.round(rate * 65536));
    scale = (float) (65536.0 / (65536 - threshold));
  }

  /** Returns whether anything is dropped. */
  boolean isActive() {
    return threshold > 0;
  }

  /**
   * Returns the mask of a seed, (rows, columns), with 0 or the scale in each place. It is valid
   * until the next call; the caller closes it.
   */
  NDArray mask(Seed seed, int rows, int columns) {
    int elements = Math.multiplyExact(rows, columns);
    if (memory.capacity() < elements * Float.BYTES) {
      memory = ByteBuffer.allocateDirect(elements * Float.BYTES).order(ByteOrder.nativeOrder());
    }
    fill(memory.asFloatBuffer(), elements, seed);
    return manager.create(
        memory.slice(0, elements * Float.BYTES).order(ByteOrder.nativeOrder()),
        new Shape(rows, columns),
        DataType.FLOAT32);
  }

  /** Fills the mask; element {@code 4 g} begins the draw {@code g}, so that tasks can share it. */
  private void fill(FloatBuffer mask, int elements, Seed seed) {
    long start = TorchKernels.profileStart();
    int tasks = (elements + ELEMENTS_PER_TASK - 1) / ELEMENTS_PER_TASK;
    IntStream.range(0, tasks)
        .parallel()
        .forEach(
            task ->
                fill(
                    mask,
                    task * ELEMENTS_PER_TASK,
                    Math.min(elements, (task + 1) * ELEMENTS_PER_TASK),
                    seed.value()));
    TorchKernels.profileEnd("(draw dropout)", start);
  }

  private void fill(FloatBuffer mask, int from, int to, long seed) {
    long state = seed + from / 4 * GAMMA;
    for (int i = from; i < to; i += 4) {
      state += GAMMA;
      long bits = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9L;
      bits = (bits ^ (bits >>> 27)) * 0x94d049bb133111ebL;
      bits ^= bits >>> 31;
      int end = Math.min(to, i + 4);
      for (int j = i; j < end; j++) {
        mask.put(j, (bits & 0xffff) < threshold ? 0 : scale);
        bits >>>= 16;
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
