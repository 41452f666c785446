package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
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

  /*
   * The block as Llama, Mistral, Qwen2 and Phi-3 have it [1]. x (T, H) is the residual stream; the
   * norms, the rotation R and the attention are those of kernels.py, the four products with their
   * LoRA branches those of LinearGroup.
   *
   *   n = norm(x)           (q, k, v) = n W_qkv'   (T, (N + 2 K) D)   q, k = R q, R k
   *   a = attention(q, k, v)                       (T, N D)
   *   m = x + a W_o'                               (T, H)
   *   u = norm(m)           (g, p) = u W_gp'       (T, 2 I)
   *   y = m + (silu(g) * p) W_d'                   (T, H)
   *
   * Backward from dy to dx, which take the same memory, as the residual stream adds up:
   *
   *   d(silu(g) * p) = dy W_d    dx  = dy + norm_backward(d(g, p) W_gp)       at m
   *   da = dx W_o                dx += norm_backward(R' d(q, k, v) W_qkv)     at x
   *
   * What is kept: q, k, v, a, m, (g, p), the log-sum-exp of the scores and one scale for each row of
   * a norm. n, u and silu(g) * p are computed again, since they cost little and are needed by
   * adapted layers alone; the last product is not, as its result is the next block's input. The
   * gradient of (g, p), the largest of all, takes the place of (g, p).
   *
   * [1] Touvron et al. 2023, LLaMA; Zhang and Sennrich 2019; Su et al. 2021; Shazeer 2020; Ainslie
   * et al. 2023.
   */

  /** The groups of linear layers, in the order of the forward pass. */
  private static final int ATTENTION_IN = 0;

  private static final int ATTENTION_OUT = 1;
  private static final int MLP_IN = 2;
  private static final int MLP_OUT = 3;

  private final ModelConfig config;
  private final BaseModel.Layer frozen;
  private final int window;
  private final Kernels.Heads heads;
  private final List<LinearGroup> groups;

  DecoderLayer(ModelConfig config, int index, BaseModel.Layer frozen, @Nullable LoraWeights lora) {
    this.config = config;
    this.frozen = frozen;
    this.window = config.windows().get(index);
    int keyValue = config.keyValueHeads();
    this.heads = new Kernels.Heads(keyValue, config.heads() / keyValue, config.headSize());
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

    ComputeType type() {
      return scratch.type();
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
    final @Nullable NDArray[] loraHidden; // per group (T, branches x rank)

    Saved(
        NDArray inputScale,
        NDArray qkv,
        NDArray attended,
        List<NDArray> logSumExps,
        NDArray middle,
        NDArray middleScale,
        NDArray gateUp,
        @Nullable NDArray[] loraHidden) {
      this.inputScale = inputScale;
      this.qkv = qkv;
      this.attended = attended;
      this.logSumExps = logSumExps;
      this.middle = middle;
      this.middleScale = middleScale;
      this.gateUp = gateUp;
      this.loraHidden = loraHidden;
    }

    /** Frees all but the LoRA inputs after A, which are small, for a layer that runs once more. */
    @Nullable NDArray[] closeToLoraHidden() {
      for (NDArray array : List.of(inputScale, qkv, attended, middle, middleScale, gateUp)) {
        array.close();
      }
      logSumExps.forEach(NDArray::close);
      return loraHidden;
    }

    @Override
    public void close() {
      closeToLoraHidden();
      for (NDArray hidden : loraHidden) {
        if (hidden != null) {
          hidden.close();
        }
      }
    }
  }

  /** Returns whether any of the block's layers has a LoRA branch. */
  boolean isAdapted() {
    return groups.stream().anyMatch(LinearGroup::isAdapted);
  }

  /** Returns empty slots for LoRA hidden activations. */
  static @Nullable NDArray[] noLoraHidden() {
    return new NDArray[4];
  }

  /**
   * Runs the block up to the MLP's last layer, which the backward pass can do without.
   *
   * @param x the input, (T, H)
   * @param loraHidden per group the LoRA inputs after A that an earlier run has kept; filled up
   */
  Saved run(Context context, NDArray x, @Nullable NDArray[] loraHidden) {
    NDManager manager = context.manager();
    Kernels.Normed normed = norm(context, x, frozen.inputNorm());
    NDArray qkv = forward(context, ATTENTION_IN, normed.output(), loraHidden);
    normed.output().close();
    rotate(context, qkv, 1);

    int rows = (int) x.getShape().get(0);
    NDArray attended = Kernels.empty(manager, qkv, rows, config.heads() * config.headSize());
    List<NDArray> logSumExps = attend(context, qkv, attended);
    NDArray middle;
    try (NDArray projected = forward(context, ATTENTION_OUT, attended, loraHidden)) {
      middle = Kernels.sum(manager, x, projected);
    }
    Kernels.Normed mlpNormed = norm(context, middle, frozen.mlpNorm());
    NDArray gateUp = forward(context, MLP_IN, mlpNormed.output(), loraHidden);
    mlpNormed.output().close();
    return new Saved(
        normed.scale(), qkv, attended, logSumExps, middle, mlpNormed.scale(), gateUp, loraHidden);
  }

  /** Returns the block's output, (T, H), after {@link #run}. */
  NDArray output(Context context, Saved saved) {
    NDManager manager = context.manager();
    try (NDArray product = Kernels.siluMul(manager, saved.gateUp);
        NDArray projected = forward(context, MLP_OUT, product, saved.loraHidden)) {
      return Kernels.sum(manager, saved.middle, projected);
    }
  }

  private Kernels.Normed norm(Context context, NDArray x, NDArray weight) {
    return Kernels.rmsNorm(context.manager(), x, weight, config.rmsNormEps(), context.type());
  }

  private NDArray forward(Context context, int group, NDArray x, @Nullable NDArray[] loraHidden) {
    LinearGroup.Result result =
        groups.get(group).forward(context, x, loraHidden[group], context.groupSeed(group));
    loraHidden[group] = result.hidden();
    return result.output();
  }

  /** Applies RoPE to queries and keys in place; -1 inverts it. */
  private void rotate(Context context, NDArray qkv, double sign) {
    Rotary rotary = context.rotary();
    int turned = config.heads() + config.keyValueHeads();
    Kernels.rotate(qkv, turned, config.headSize(), rotary.cos(), rotary.sin(), sign);
  }

  /** Fills the attention's result, text by text, and returns the log-sum-exp of the scores. */
  private List<NDArray> attend(Context context, NDArray qkv, NDArray attended) {
    List<NDArray> logSumExps = new ArrayList<>();
    List<Batch.Segment> segments = context.batch().segments();
    for (int i = 0; i < segments.size(); i++) {
      Batch.Segment text = segments.get(i);
      Kernels.Span span = new Kernels.Span(text.start(), text.rows());
      KeyValueCache.Layer cache = context.caches() == null ? null : context.caches().get(i);
      if (cache != null && cache.tokens() > 0) {
        int past = cache.tokens();
        int first = window == 0 ? 0 : Math.max(0, past + 1 - window);
        logSumExps.add(
            Kernels.attentionCached(
                context.manager(), attended, qkv, span, heads, cache.rows(), first, past));
      } else {
        NDArray mask = context.masks().of(text, window);
        logSumExps.add(Kernels.attention(context.manager(), attended, qkv, span, heads, mask));
      }
      if (cache != null && cache.tokens() == 0) {
        cache.fill(qkv, span, 2 * heads.keyValue() * heads.size());
      }
    }
    return logSumExps;
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
    try (NDArray dy = Kernels.toType(manager, dx, context.type());
        @Nullable NDArray product =
            isAdapted(MLP_OUT) ? Kernels.siluMul(manager, saved.gateUp) : null) {
      dproduct = backward(context, MLP_OUT, lowest, product, saved, dy);
    }
    if (dproduct == null) {
      return;
    }
    NDArray dGateUp = saved.gateUp; // the largest of all: its gradient takes its place
    Kernels.siluMulBackward(dGateUp, dproduct);
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
    Kernels.rmsNormBackward(dx, dnormed, saved.middle, frozen.mlpNorm(), saved.middleScale);
    dnormed.close();

    NDArray dattended;
    try (NDArray dy = Kernels.toType(manager, dx, context.type())) {
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
    Kernels.rmsNormBackward(dx, dinput, x, frozen.inputNorm(), saved.inputScale);
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
        .backward(
            context, dy, input, saved.loraHidden[group], context.groupSeed(group), group > lowest);
  }

  private static NDArray normedAgain(Context context, NDArray x, NDArray weight, NDArray scale) {
    return Kernels.rmsNormAgain(context.manager(), x, weight, scale, context.type());
  }

  /** Returns the gradient of the projected query, key and value, (T, (N + 2 K) D). */
  private NDArray attentionBackward(Context context, Saved saved, NDArray dattended) {
    NDArray dqkv =
        Kernels.empty(
            context.manager(), saved.qkv, context.batch().rows(), config.attentionWidth());
    List<Batch.Segment> segments = context.batch().segments();
    for (int i = 0; i < segments.size(); i++) {
      Batch.Segment text = segments.get(i);
      Kernels.attentionBackward(
          dqkv,
          dattended,
          saved.qkv,
          saved.attended,
          saved.logSumExps.get(i),
          new Kernels.Span(text.start(), text.rows()),
          heads,
          context.masks().of(text, window));
    }
    rotate(context, dqkv, -1);
    return dqkv;
  }
}
