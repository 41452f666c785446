package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;
import static org.edgefit.client.model.TorchKernels.callAll;
import static org.edgefit.client.model.TorchKernels.update;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.Scratch;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * A decoder block: {@code x += attention(norm(x)); x += mlp(norm(x))}. T is the rows of a batch, H
 * the hidden size, N the query heads, K the key and value heads, D the head size, I the MLP's. The
 * residual stream x is float32; what goes into and comes out of products is in the compute type.
 */
final class DecoderLayer {

  /** The groups of linear layers, in the order of the forward pass. */
  private static final int ATTENTION_IN = 0;

  private static final int ATTENTION_OUT = 1;
  private static final int MLP_IN = 2;
  private static final int MLP_OUT = 3;

  private final ModelConfig config;
  private final BaseModel.Layer frozen;
  private final int window;
  private final List<LinearGroup> groups;

  DecoderLayer(ModelConfig config, int index, BaseModel.Layer frozen, @Nullable LoraWeights lora) {
    this.config = config;
    this.frozen = frozen;
    this.window = config.windows().get(index);
    this.groups = frozen.stacks().stream().map(stack -> new LinearGroup(stack, lora)).toList();
  }

  /**
   * What both passes over a batch share.
   *
   * @param manager the owner of all arrays of the step
   * @param batch the texts
   * @param rotary the angles of the batch's positions
   * @param masks what hides tokens from others
   * @param caches for each text the keys and values of this block; null if none are kept
   * @param scratch where weights are decoded
   * @param dropout masks of the LoRA inputs; null outside training
   * @param seed this layer's randomness in this step
   */
  record Context(
      NDManager manager,
      Batch batch,
      Rotary rotary,
      AttentionMasks masks,
      @Nullable List<KeyValueCache.Layer> caches,
      Scratch scratch,
      @Nullable Dropout dropout,
      Seed seed) {

    int type() {
      return scratch.type().torchCode();
    }

    Seed groupSeed(int group) {
      return seed.split(group);
    }
  }

  /** What the forward pass keeps for the backward pass. */
  static final class Saved implements AutoCloseable {
    final NDArray inputScale; // (T, 1), 1 / rms of x
    final NDArray qkv; // (T, (N + 2 K) D), query and key rotated
    final NDArray attended; // (T, N D)
    final List<NDArray> logSumExps; // per text (K, N / K, rows)
    final NDArray middle; // (T, H), after the attention
    final NDArray middleScale; // (T, 1), 1 / rms of middle
    final NDArray gateUp; // (T, 2 I)
    final @Nullable NDArray[] downs; // per group (T, branches x rank)

    Saved(
        NDArray inputScale,
        NDArray qkv,
        NDArray attended,
        List<NDArray> logSumExps,
        NDArray middle,
        NDArray middleScale,
        NDArray gateUp,
        @Nullable NDArray[] downs) {
      this.inputScale = inputScale;
      this.qkv = qkv;
      this.attended = attended;
      this.logSumExps = logSumExps;
      this.middle = middle;
      this.middleScale = middleScale;
      this.gateUp = gateUp;
      this.downs = downs;
    }

    /** Frees all but the LoRA inputs after A, which are small, for a layer that runs once more. */
    @Nullable NDArray[] closeToDowns() {
      for (NDArray array : List.of(inputScale, qkv, attended, middle, middleScale, gateUp)) {
        array.close();
      }
      logSumExps.forEach(NDArray::close);
      return downs;
    }

    @Override
    public void close() {
      closeToDowns();
      for (NDArray down : downs) {
        if (down != null) {
          down.close();
        }
      }
    }
  }

  /** Returns whether any of the block's layers has a LoRA branch. */
  boolean isAdapted() {
    return groups.stream().anyMatch(LinearGroup::isAdapted);
  }

  /** Returns room for the LoRA inputs after A of a first run. */
  static @Nullable NDArray[] noDowns() {
    return new NDArray[4];
  }

  /**
   * Runs the block up to the MLP's last layer, which the backward pass can do without.
   *
   * @param x the input, (T, H)
   * @param downs per group the LoRA inputs after A that an earlier run has kept; filled up
   */
  Saved run(Context context, NDArray x, @Nullable NDArray[] downs) {
    NDManager manager = context.manager();
    NDArray[] normed = norm(context, x, frozen.inputNorm());
    NDArray qkv = forward(context, ATTENTION_IN, normed[0], downs);
    normed[0].close();
    rotate(context, qkv, 1);

    int rows = (int) x.getShape().get(0);
    NDArray attended = call(manager, "empty", qkv, rows, config.heads() * config.headSize());
    List<NDArray> logSumExps = attend(context, qkv, attended);
    NDArray middle;
    try (NDArray projected = forward(context, ATTENTION_OUT, attended, downs)) {
      middle = call(manager, "sum", x, projected);
    }
    NDArray[] mlpNormed = norm(context, middle, frozen.mlpNorm());
    NDArray gateUp = forward(context, MLP_IN, mlpNormed[0], downs);
    mlpNormed[0].close();
    return new Saved(normed[1], qkv, attended, logSumExps, middle, mlpNormed[1], gateUp, downs);
  }

  /** Returns the block's output, (T, H), after {@link #run}. */
  NDArray output(Context context, Saved saved) {
    NDManager manager = context.manager();
    try (NDArray product = call(manager, "silu_mul", saved.gateUp);
        NDArray projected = forward(context, MLP_OUT, product, saved.downs)) {
      return call(manager, "sum", saved.middle, projected);
    }
  }

  private NDArray[] norm(Context context, NDArray x, NDArray weight) {
    return callAll(context.manager(), "rms_norm", x, weight, config.rmsNormEps(), context.type());
  }

  private NDArray forward(Context context, int group, NDArray x, @Nullable NDArray[] downs) {
    LinearGroup.Result result =
        groups.get(group).forward(context, x, downs[group], context.groupSeed(group));
    downs[group] = result.down();
    return result.output();
  }

  /** Turns queries and keys in place: by their angles, or with -1 back. */
  private void rotate(Context context, NDArray qkv, double sign) {
    Rotary rotary = context.rotary();
    int heads = config.heads() + config.keyValueHeads();
    update("rope_", qkv, heads, config.headSize(), rotary.cos(), rotary.sin(), sign);
  }

  /** Fills the attention's result, text by text, and returns the log-sum-exp of the scores. */
  private List<NDArray> attend(Context context, NDArray qkv, NDArray attended) {
    List<NDArray> logSumExps = new ArrayList<>();
    List<Batch.Segment> segments = context.batch().segments();
    int kv = config.keyValueHeads();
    int group = config.heads() / kv;
    for (int i = 0; i < segments.size(); i++) {
      Batch.Segment text = segments.get(i);
      KeyValueCache.Layer cache = context.caches() == null ? null : context.caches().get(i);
      NDArray mask = context.masks().of(text, window);
      Object[] arguments = {attended, qkv, text.start(), text.rows(), kv, group, config.headSize()};
      if (cache != null && cache.tokens() > 0) {
        int past = cache.tokens();
        int first = window == 0 ? 0 : Math.max(0, past + 1 - window);
        logSumExps.add(
            call(
                context.manager(), "attention_cached_", and(arguments, cache.rows(), first, past)));
      } else if (mask == null) {
        logSumExps.add(call(context.manager(), "attention_", arguments));
      } else {
        logSumExps.add(call(context.manager(), "attention_masked_", and(arguments, mask)));
      }
      if (cache != null && cache.tokens() == 0) {
        cache.fill(qkv, text.start(), text.rows(), 2 * kv * config.headSize());
      }
    }
    return logSumExps;
  }

  private static Object[] and(Object[] first, Object... more) {
    Object[] all = Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    return all;
  }

  /**
   * Adds to the gradients of the block's LoRA branches, and turns the gradient of the output into
   * that of the input.
   *
   * @param x the block's input, (T, H)
   * @param dx the gradient of the output, (T, H); changed in place to the gradient of the input
   * @param inputGradient whether the gradient of the input is needed; if not, the pass ends at the
   *     block's first adapted layers, and {@code dx} is not meaningful
   */
  void backward(Context context, NDArray x, Saved saved, NDArray dx, boolean inputGradient) {
    NDManager manager = context.manager();
    int lowest = inputGradient ? -1 : lowestAdapted();

    NDArray dproduct;
    try (NDArray dy = call(manager, "to_type", dx, context.type());
        @Nullable NDArray product =
            isAdapted(MLP_OUT) ? call(manager, "silu_mul", saved.gateUp) : null) {
      dproduct = backward(context, MLP_OUT, lowest, product, saved, dy);
    }
    if (dproduct == null) {
      return;
    }
    NDArray dGateUp = saved.gateUp; // the largest of all: its gradient takes its place
    update("silu_mul_backward_", dGateUp, dproduct);
    dproduct.close();
    NDArray dnormed;
    try (@Nullable NDArray normed =
        isAdapted(MLP_IN)
            ? normedAgain(context, saved.middle, frozen.mlpNorm(), saved.middleScale)
            : null) {
      dnormed = backward(context, MLP_IN, lowest, normed, saved, dGateUp);
    }
    dGateUp.close();
    if (dnormed == null) {
      return;
    }
    update("rms_norm_backward_", dx, dnormed, saved.middle, frozen.mlpNorm(), saved.middleScale);
    dnormed.close();

    NDArray dattended;
    try (NDArray dy = call(manager, "to_type", dx, context.type())) {
      dattended = backward(context, ATTENTION_OUT, lowest, saved.attended, saved, dy);
    }
    if (dattended == null) {
      return;
    }
    NDArray dinput;
    try (NDArray dqkv = attentionBackward(context, saved, dattended);
        @Nullable NDArray normed =
            isAdapted(ATTENTION_IN)
                ? normedAgain(context, x, frozen.inputNorm(), saved.inputScale)
                : null) {
      dattended.close();
      dinput = backward(context, ATTENTION_IN, lowest, normed, saved, dqkv);
    }
    if (dinput == null) {
      return;
    }
    update("rms_norm_backward_", dx, dinput, x, frozen.inputNorm(), saved.inputScale);
    dinput.close();
  }

  private int lowestAdapted() {
    for (int group = ATTENTION_IN; group <= MLP_OUT; group++) {
      if (isAdapted(group)) {
        return group;
      }
    }
    return MLP_OUT;
  }

  private boolean isAdapted(int group) {
    return groups.get(group).isAdapted();
  }

  /** Returns the gradient of a group's input, or null if nothing below it needs one. */
  private @Nullable NDArray backward(
      Context context, int group, int lowest, @Nullable NDArray input, Saved saved, NDArray dy) {
    return groups
        .get(group)
        .backward(context, dy, input, saved.downs[group], context.groupSeed(group), group > lowest);
  }

  private static NDArray normedAgain(Context context, NDArray x, NDArray weight, NDArray scale) {
    return call(context.manager(), "rms_norm_again", x, weight, scale, context.type());
  }

  /** Returns the gradient of the projected query, key and value, (T, (N + 2 K) D). */
  private NDArray attentionBackward(Context context, Saved saved, NDArray dattended) {
    int kv = config.keyValueHeads();
    int group = config.heads() / kv;
    NDArray dqkv =
        call(
            context.manager(), "empty", saved.qkv, context.batch().rows(), config.attentionWidth());
    List<Batch.Segment> segments = context.batch().segments();
    for (int i = 0; i < segments.size(); i++) {
      Batch.Segment text = segments.get(i);
      NDArray mask = context.masks().of(text, window);
      Object[] arguments = {
        dqkv,
        dattended,
        saved.qkv,
        saved.attended,
        saved.logSumExps.get(i),
        text.start(),
        text.rows(),
        kv,
        group,
        config.headSize()
      };
      if (mask == null) {
        update("attention_backward_", arguments);
      } else {
        update("attention_masked_backward_", and(arguments, mask));
      }
    }
    rotate(context, dqkv, -1);
    return dqkv;
  }
}
