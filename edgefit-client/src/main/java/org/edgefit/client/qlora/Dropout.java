package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.DeviceKernels;
import org.edgefit.client.engine.KernelProfile;
import org.edgefit.client.model.Scratch;
import org.edgefit.random.Seed;

/**
 * Dropout on the inputs of LoRA branches. A mask depends only on its seed, so the backward pass
 * recomputes it, and it is the same for any number of threads.
 *
 * <p>Layers that share an input (query, key and value; gate and up) share a mask, where PEFT draws
 * one for each: every branch still sees its own input with each element dropped at the stated rate.
 *
 * <p>SplitMix64 (Steele, Lea, Flood 2014) gives 64 bits for four elements; each is dropped if its
 * 16 bits are below {@code rate x 65,536}, rounded. The adapter's scale includes the factor that
 * rescales the others.
 */
final class Dropout implements AutoCloseable {

  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private static final long BFLOAT16_ONE = 0x3f80;
  private static final long FLOAT_ONE = 0x3f800000;

  private static final boolean LITTLE_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  private static final int ELEMENTS_PER_TASK = 1 << 17;

  private final Scratch scratch;
  private final NDArray device;
  private final int threshold;

  /**
   * Makes a source of masks.
   *
   * @param rate the share of elements that is dropped, in [0, 1)
   * @param type the type of the masks
   */
  Dropout(NDManager parent, double rate, ComputeType type) {
    this.scratch = new Scratch(parent, type);
    this.device = parent.zeros(new Shape(1));
    this.threshold = (int) Math.min(65535, Math.round(rate * 65536));
  }

  /** Returns what the elements that are kept are to be multiplied by. */
  double scale() {
    return 65536.0 / (65536 - threshold);
  }

  /** Returns whether anything is dropped. */
  boolean isActive() {
    return threshold > 0;
  }

  /**
   * Returns the mask of a seed, (rows, columns), with 0 or 1 in each place. It is valid until the
   * next call, and must not be closed.
   */
  NDArray mask(Seed seed, int rows, int columns) {
    if (!scratch.isShared()) {
      return scratch.keep(
          DeviceKernels.dropoutMask(
              device.getManager(), device, seed.value(), rows, columns, threshold, scratch.type()));
    }
    Scratch.Space space = scratch.space(rows, columns);
    fill(space.memory(), Math.multiplyExact(rows, columns), seed);
    return space.array();
  }

  /** Fills the mask; element {@code 4 g} begins the draw {@code g}, so that tasks can share it. */
  private void fill(ByteBuffer mask, int elements, Seed seed) {
    long start = KernelProfile.begin();
    IntStream.range(0, (elements + ELEMENTS_PER_TASK - 1) / ELEMENTS_PER_TASK)
        .parallel()
        .forEach(
            task -> {
              int from = task * ELEMENTS_PER_TASK;
              int to = Math.min(elements, from + ELEMENTS_PER_TASK);
              if (scratch.type() == ComputeType.FLOAT32) {
                fillFloats(mask, from, to, seed.value());
              } else {
                fillHalves(mask, from, to, seed.value());
              }
            });
    KernelProfile.end("(draw dropout)", start);
  }

  private void fillFloats(ByteBuffer mask, int from, int to, long seed) {
    int i = from;
    for (; LITTLE_ENDIAN && i + 3 < to; i += 4) { // a store for two elements
      long bits = draw(seed, i / 4);
      mask.putLong(i << 2, kept(bits, FLOAT_ONE) | kept(bits >>> 16, FLOAT_ONE) << 32);
      mask.putLong((i << 2) + 8, kept(bits >>> 32, FLOAT_ONE) | kept(bits >>> 48, FLOAT_ONE) << 32);
    }
    for (; i < to; i++) {
      mask.putInt(i << 2, (int) kept(draw(seed, i / 4) >>> (16 * (i % 4)), FLOAT_ONE));
    }
  }

  private void fillHalves(ByteBuffer mask, int from, int to, long seed) {
    int i = from;
    for (; LITTLE_ENDIAN && i + 3 < to; i += 4) { // a store for four elements
      long bits = draw(seed, i / 4);
      mask.putLong(
          i << 1,
          kept(bits, BFLOAT16_ONE)
              | kept(bits >>> 16, BFLOAT16_ONE) << 16
              | kept(bits >>> 32, BFLOAT16_ONE) << 32
              | kept(bits >>> 48, BFLOAT16_ONE) << 48);
    }
    for (; i < to; i++) {
      mask.putShort(i << 1, (short) kept(draw(seed, i / 4) >>> (16 * (i % 4)), BFLOAT16_ONE));
    }
  }

  /**
   * Returns the bits of 1 if the lowest 16 bits of a draw keep an element, and 0 if they do not.
   */
  private long kept(long bits, long one) {
    return (bits & 0xffff) < threshold ? 0 : one;
  }

  /** Returns draw {@code index} of the stream of a seed. */
  private static long draw(long seed, int index) {
    long state = seed + (index + 1) * GAMMA;
    long bits = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9L;
    bits = (bits ^ (bits >>> 27)) * 0x94d049bb133111ebL;
    return bits ^ (bits >>> 31);
  }

  @Override
  public void close() {
    device.close();
    scratch.close();
  }
}
