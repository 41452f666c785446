package org.edgefit.client.engine;

import static org.edgefit.client.engine.KernelCall.call;
import static org.edgefit.client.engine.KernelCall.run;
import static org.edgefit.client.engine.KernelCall.update;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of training and inference, which are the arithmetic that DJL's arrays do not have.
 * Each method calls the TorchScript kernel of its name, beside whose text in {@code kernels.py} its
 * formula and shapes stand.
 *
 * <p>Methods that return nothing change their first argument in place. Results belong to the
 * manager that is given first. The device of an array decides whose kernel runs.
 */
public final class Kernels {

  private Kernels() {}

  /**
   * The heads of an attention layer.
   *
   * @param keyValue the key and value heads
   * @param group the query heads that share one of them
   * @param size the values of a head
   */
  public record Heads(int keyValue, int group, int size) {}

  /**
   * The rows of one text among those of a batch.
   *
   * @param start the first
   * @param rows how many
   */
  public record Span(int start, int rows) {}

  /**
   * What a norm gives.
   *
   * @param output the result, (rows, columns)
   * @param scale 1 / rms of each row, (rows, 1)
   */
  public record Normed(NDArray output, NDArray scale) {}

  // ---- memory

  /**
   * Returns memory as an array, in a type that Java has no name for as well: on the CPU a view of
   * it, on another device a copy.
   *
   * @param memory direct, in native order; it must live as long as the array
   * @param shape of two dimensions where the type is not float32
   * @param torchCode torch's number of the type
   */
  public static NDArray view(NDManager owner, ByteBuffer memory, Shape shape, int torchCode) {
    if (torchCode == ComputeType.FLOAT32.torchCode()) {
      return owner.create(memory, shape, DataType.FLOAT32);
    }
    NDArray bytes = owner.create(memory, new Shape(memory.remaining()), DataType.INT8);
    // The view shares the memory with the bytes; these must stay attached for as long.
    int rows = Math.toIntExact(shape.get(0));
    int columns = Math.toIntExact(shape.get(1));
    return call(owner, "view_as", bytes, torchCode, rows, columns);
  }

  /** Returns an array in a type; itself if it has it. */
  public static NDArray toType(NDManager owner, NDArray x, ComputeType type) {
    return call(owner, "to_type", x, type.torchCode());
  }

  /** Returns a copy of an array, in a type. */
  public static NDArray copied(NDManager owner, NDArray x, ComputeType type) {
    return call(owner, "copied", x, type.torchCode());
  }

  /** Returns an array of zeros, in another's type. */
  public static NDArray zeros(NDManager owner, NDArray like, int rows, int columns) {
    return call(owner, "zeros", like, rows, columns);
  }

  /** Returns an array in another's type, whose content is whatever was in its memory. */
  public static NDArray empty(NDManager owner, NDArray like, int rows, int columns) {
    return call(owner, "empty", like, rows, columns);
  }

  /** Returns an array on another's device, whose content is whatever was in its memory. */
  public static NDArray empty(
      NDManager owner, NDArray like, int rows, int columns, ComputeType type) {
    return call(owner, "empty_of", like, rows, columns, type.torchCode());
  }

  /** Sets all of an array. */
  public static void fill(NDArray x, double value) {
    update("fill_", x, value);
  }

  /** Sets an array to another. */
  public static void copy(NDArray y, NDArray x) {
    update("copy_", y, x);
  }

  /** Returns an array's value at (0, 0), when all that was asked of its device is done. */
  public static float corner(NDArray x) {
    try (NDArray one = call(x.getManager(), "corner", x)) {
      return one.toFloatArray()[0];
    }
  }

  // ---- rows

  /** Returns the embedding of each token id, in float32. */
  public static NDArray embedding(NDManager owner, NDArray table, NDArray ids) {
    return call(owner, "embedding", table, ids);
  }

  /** Returns rows by their index. */
  public static NDArray rows(NDManager owner, NDArray x, NDArray index) {
    return call(owner, "rows", x, index);
  }

  /** Returns a view of rows. */
  public static NDArray sliceRows(NDManager owner, NDArray x, int start, int rows) {
    return call(owner, "slice_rows", x, start, rows);
  }

  /** Sets all rows to those of another array from {@code start} on. */
  public static void copyRows(NDArray y, NDArray x, int start) {
    update("copy_rows_", y, x, start);
  }

  /** Sets the rows from {@code start} on to those of another array. */
  public static void setRows(NDArray y, NDArray x, int start) {
    update("set_rows_", y, x, start);
  }

  /** Sets rows by their index. */
  public static void putRows(NDArray x, NDArray index, NDArray rows) {
    update("put_rows_", x, index, rows);
  }

  // ---- sums and norms

  /** Adds an array. */
  public static void add(NDArray y, NDArray x) {
    update("add_", y, x);
  }

  /** Returns a sum. */
  public static NDArray sum(NDManager owner, NDArray x, NDArray y) {
    return call(owner, "sum", x, y);
  }

  /** Returns the RMS norm of each row, the output in a type. */
  public static Normed rmsNorm(
      NDManager owner, NDArray x, NDArray w, double eps, ComputeType type) {
    try (IValue result = run("rms_norm", x, w, eps, type.torchCode())) {
      IValue[] parts = result.toIValueTuple();
      Normed normed =
          new Normed(
              parts[0].toTensor((PtNDManager) owner), parts[1].toTensor((PtNDManager) owner));
      for (IValue part : parts) {
        part.close();
      }
      return normed;
    }
  }

  /** Returns the output of a norm whose scale is known. */
  public static NDArray rmsNormAgain(
      NDManager owner, NDArray x, NDArray w, NDArray scale, ComputeType type) {
    return call(owner, "rms_norm_again", x, w, scale, type.torchCode());
  }

  /** Adds the gradient of a norm's input. */
  public static void rmsNormBackward(NDArray dx, NDArray dy, NDArray x, NDArray w, NDArray scale) {
    update("rms_norm_backward_", dx, dy, x, w, scale);
  }

  // ---- products with frozen weights

  /** Returns {@code x W'}. */
  public static NDArray linear(NDManager owner, NDArray x, NDArray w) {
    return call(owner, "linear", x, w);
  }

  /** Sets the columns from {@code start} on to {@code x W'}. */
  public static void linearPart(NDArray y, NDArray x, NDArray w, int start) {
    update("linear_part_", y, x, w, start);
  }

  /** Returns {@code dy W}, for W's outputs among the columns of dy. */
  public static NDArray linearBackward(NDManager owner, NDArray dy, NDArray w, int start) {
    return call(owner, "linear_backward", dy, w, start);
  }

  /** Sets the columns from {@code start} on to {@code dy W}, for W's inputs among them. */
  public static void linearBackwardPart(NDArray dx, NDArray dy, NDArray w, int start) {
    update("linear_backward_part_", dx, dy, w, start);
  }

  /** Adds {@code dy W}, for W's outputs among the columns of dy. */
  public static void linearBackwardAdd(NDArray dx, NDArray dy, NDArray w, int start) {
    update("linear_backward_add_", dx, dy, w, start);
  }

  /** Returns {@code dy' x}, the gradient of a weight that is not frozen. */
  public static NDArray weightGradient(NDManager owner, NDArray dy, NDArray x) {
    return call(owner, "weight_gradient", dy, x);
  }

  // ---- LoRA

  /** Returns {@code (mask * x) A'}; without a mask {@code x A'}. */
  public static NDArray loraDown(NDManager owner, NDArray x, @Nullable NDArray mask, NDArray a) {
    return mask == null
        ? call(owner, "lora_down", x, a)
        : call(owner, "lora_down_dropout", x, mask, a);
  }

  /** Adds {@code scale * hidden B'} to columns. */
  public static void loraUp(
      NDArray y, int column, NDArray hidden, int start, NDArray b, double scale) {
    update("lora_up_", y, column, hidden, start, b, scale);
  }

  /** Sets columns of the gradient of the hidden values, and adds to that of B. */
  public static void loraUpBackward(
      NDArray dhidden,
      NDArray gradB,
      NDArray dy,
      int column,
      NDArray hidden,
      int start,
      NDArray b,
      double scale) {
    update("lora_up_backward_", dhidden, gradB, dy, column, hidden, start, b, scale);
  }

  /** Adds to the gradient of A. */
  public static void loraDownWeightBackward(
      NDArray gradA, NDArray dhidden, NDArray x, @Nullable NDArray mask) {
    if (mask == null) {
      update("lora_down_weight_backward_", gradA, dhidden, x);
    } else {
      update("lora_down_weight_dropout_backward_", gradA, dhidden, x, mask);
    }
  }

  /** Adds to the gradient of the input. */
  public static void loraDownInputBackward(
      NDArray dx, NDArray dhidden, NDArray a, @Nullable NDArray mask) {
    if (mask == null) {
      update("lora_down_input_backward_", dx, dhidden, a);
    } else {
      update("lora_down_input_dropout_backward_", dx, dhidden, a, mask);
    }
  }

  // ---- attention

  /** Turns the heads at the front of each row by angles; back with the sign -1. */
  public static void rotate(NDArray x, int heads, int size, NDArray cos, NDArray sin, double sign) {
    update("rope_", x, heads, size, cos, sin, sign);
  }

  /**
   * Fills a text's rows of {@code attended} with its attention.
   *
   * @param mask what is added to the scores; null where each token sees itself and those before it
   * @return the log-sum-exp of the scores
   */
  public static NDArray attention(
      NDManager owner,
      NDArray attended,
      NDArray qkv,
      Span text,
      Heads heads,
      @Nullable NDArray mask) {
    int start = text.start();
    int rows = text.rows();
    int kv = heads.keyValue();
    int group = heads.group();
    int size = heads.size();
    return mask == null
        ? call(owner, "attention_", attended, qkv, start, rows, kv, group, size)
        : call(owner, "attention_masked_", attended, qkv, start, rows, kv, group, size, mask);
  }

  /**
   * Fills a text's rows of {@code attended} with its attention to tokens before it, whose keys and
   * values are in a cache, and to itself, which it puts there.
   *
   * @param first the first token that is seen
   * @param past the tokens in the cache
   * @return the log-sum-exp of the scores
   */
  public static NDArray attentionCached(
      NDManager owner,
      NDArray attended,
      NDArray qkv,
      Span text,
      Heads heads,
      NDArray cache,
      int first,
      int past) {
    return call(
        owner,
        "attention_cached_",
        attended,
        qkv,
        text.start(),
        text.rows(),
        heads.keyValue(),
        heads.group(),
        heads.size(),
        cache,
        first,
        past);
  }

  /** Puts a text's keys and values at the beginning of a cache. */
  public static void cacheRows(NDArray cache, NDArray qkv, Span text) {
    update("cache_rows_", cache, qkv, text.start(), text.rows());
  }

  /** Fills a text's rows of {@code dqkv} with the gradient of its queries, keys and values. */
  public static void attentionBackward(
      NDArray dqkv,
      NDArray dattended,
      NDArray qkv,
      NDArray attended,
      NDArray logSumExp,
      Span text,
      Heads heads,
      @Nullable NDArray mask) {
    List<Object> arguments =
        new ArrayList<>(List.of(dattended, qkv, attended, logSumExp, text.start(), text.rows()));
    arguments.addAll(List.of(heads.keyValue(), heads.group(), heads.size()));
    if (mask == null) {
      update("attention_backward_", dqkv, arguments.toArray());
    } else {
      arguments.add(mask);
      update("attention_masked_backward_", dqkv, arguments.toArray());
    }
  }

  /** Returns the mask of a text whose tokens see {@code window} tokens, themselves included. */
  public static NDArray windowMask(NDManager owner, NDArray like, int rows, int window) {
    return call(owner, "window_mask", like, rows, window);
  }

  // ---- the MLP and the loss

  /** Returns {@code silu(gate) * up}. */
  public static NDArray siluMul(NDManager owner, NDArray gateUp) {
    return call(owner, "silu_mul", gateUp);
  }

  /** Sets gate and up to their gradients. */
  public static void siluMulBackward(NDArray gateUp, NDArray dy) {
    update("silu_mul_backward_", gateUp, dy);
  }

  /** Returns each label's log-likelihood, and leaves all of them in {@code logits}. */
  public static NDArray logLikelihoods(NDManager owner, NDArray logits, NDArray labels) {
    return call(owner, "log_likelihoods_", logits, labels);
  }

  /** Returns each label's log-likelihood, and leaves the loss's gradient in {@code logits}. */
  public static NDArray crossEntropy(
      NDManager owner, NDArray logits, NDArray labels, double scale) {
    return call(owner, "cross_entropy_", logits, labels, scale);
  }
}
