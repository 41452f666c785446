package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;
import static org.edgefit.client.model.TorchKernels.callAll;
import static org.edgefit.client.model.TorchKernels.update;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.DecodeScratch;
import org.edgefit.format.ModelConfig;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * A decoder block: {@code x += attention(norm(x)); x += mlp(norm(x))}. T is the rows of a batch, H
 * the hidden size, N the query heads, K the key and value heads, D the head size, I the MLP's.
 */
final class DecoderLayer {

  /** The groups of linear layers, in the order of the forward pass. */
  private static final int ATTENTION_IN = 0;

  private static final int ATTENTION_OUT = 1;
  private static final int MLP_IN = 2;
  private static final int MLP_OUT = 3;

  private final ModelConfig config;
  private final BaseModel.Layer frozen;
  private final List<LinearGroup> groups;

  DecoderLayer(ModelConfig config, BaseModel.Layer frozen, @Nullable LoraWeights lora) {
    this.config = config;
    this.frozen = frozen;
    this.groups =
        List.of(
            new LinearGroup(frozen.attentionIn(), lora),
            new LinearGroup(frozen.attentionOut(), lora),
            new LinearGroup(frozen.mlpIn(), lora),
            new LinearGroup(frozen.mlpOut(), lora));
  }

  /**
   * What both passes over a batch share.
   *
   * @param manager the owner of all arrays of the step
   * @param batch the number of examples
   * @param rotary the angles of the batch's positions
   * @param mask what is added to the attention's scores; null for causal attention
   * @param cache the keys and values of tokens before the batch; null if there are none
   * @param scratch where weights are decoded
   * @param dropout masks of the LoRA inputs; null outside training
   * @param seed this layer's randomness in this step
   */
  record Context(
      NDManager manager,
      int batch,
      Rotary rotary,
      @Nullable NDArray mask,
      KeyValueCache.@Nullable Layer cache,
      DecodeScratch scratch,
      @Nullable Dropout dropout,
      Seed seed) {

    Seed groupSeed(int group) {
      return seed.split(group);
    }
  }

  /** What the forward pass keeps for the backward pass. */
  static final class Saved implements AutoCloseable {
    final NDArray x; // (T, H), the block's input
    final NDArray inputScale; // (T, 1), 1 / rms of x
    final NDArray q; // (B, N, S, D), rotated
    final NDArray k; // (B, K, S, D), rotated
    final NDArray v; // (B, K, S, D)
    final NDArray attended; // (B, N, S, D)
    final NDArray logSumExp; // (B, N, S)
    final NDArray flat; // (T, N D), the same memory as attended
    final NDArray middle; // (T, H), after the attention
    final NDArray middleScale; // (T, 1), 1 / rms of middle
    final NDArray gate; // (T, I)
    final NDArray up; // (T, I)
    final @Nullable NDArray[] downs; // per group (T, branches x rank)

    Saved(
        NDArray x,
        NDArray inputScale,
        NDArray[] qkv,
        NDArray[] attention,
        NDArray middle,
        NDArray middleScale,
        NDArray[] gateUp,
        @Nullable NDArray[] downs) {
      this.x = x;
      this.inputScale = inputScale;
      this.q = qkv[0];
      this.k = qkv[1];
      this.v = qkv[2];
      this.flat = attention[0];
      this.attended = attention[1];
      this.logSumExp = attention[2];
      this.middle = middle;
      this.middleScale = middleScale;
      this.gate = gateUp[0];
      this.up = gateUp[1];
      this.downs = downs;
    }

    @Override
    public void close() {
      for (NDArray array :
          List.of(
              x, inputScale, q, k, v, flat, attended, logSumExp, middle, middleScale, gate, up)) {
        array.close();
      }
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

  /**
   * Runs the block.
   *
   * @param x the input, (T, H); it is kept, or closed with what is kept
   * @return the output, (T, H), with what the backward pass needs
   */
  Forward forward(Context context, NDArray x) {
    NDManager manager = context.manager();
    @Nullable NDArray[] downs = new NDArray[4];

    NDArray[] normed = callAll(manager, "rms_norm", x, frozen.inputNorm(), config.rmsNormEps());
    NDArray[] projected = run(context, ATTENTION_IN, normed[0], downs);
    normed[0].close();
    NDArray[] qkv = {
      rotate(context, projected[0], config.heads()),
      rotate(context, projected[1], config.keyValueHeads()),
      call(manager, "heads", projected[2], context.batch(), config.keyValueHeads())
    };
    close(projected);
    NDArray[] attention = attend(context, qkv[0], qkv[1], qkv[2]);
    NDArray middle = run(context, ATTENTION_OUT, attention[0], downs)[0];
    update("add_", middle, x);

    NDArray[] mlpNormed =
        callAll(manager, "rms_norm", middle, frozen.mlpNorm(), config.rmsNormEps());
    NDArray[] gateUp = run(context, MLP_IN, mlpNormed[0], downs);
    mlpNormed[0].close();
    NDArray out;
    try (NDArray product = call(manager, "silu_mul", gateUp[0], gateUp[1])) {
      out = run(context, MLP_OUT, product, downs)[0];
    }
    update("add_", out, middle);
    return new Forward(
        out, new Saved(x, normed[1], qkv, attention, middle, mlpNormed[1], gateUp, downs));
  }

  /** Returns the attention's result as (T, N D) and as (B, N, S, D), and its log-sum-exp. */
  private NDArray[] attend(Context context, NDArray q, NDArray k, NDArray v) {
    NDManager manager = context.manager();
    int group = config.heads() / config.keyValueHeads();
    if (context.mask() != null) {
      return callAll(manager, "attention_masked", q, k, v, group, context.mask());
    }
    KeyValueCache.Layer cache = context.cache();
    if (cache == null) {
      return callAll(manager, "attention", q, k, v, group, true);
    }
    boolean first = cache.isEmpty();
    cache.append(k, v);
    return callAll(manager, "attention", q, cache.keys(), cache.values(), group, first);
  }

  /** The output of a block, and what its backward pass needs. */
  record Forward(NDArray out, Saved saved) {}

  private NDArray[] run(Context context, int group, NDArray x, @Nullable NDArray[] downs) {
    LinearGroup.Result result =
        groups
            .get(group)
            .forward(
                context.manager(),
                x,
                context.scratch(),
                context.dropout(),
                context.groupSeed(group));
    downs[group] = result.down();
    return result.outputs();
  }

  private static NDArray rotate(Context context, NDArray x, int heads) {
    Rotary rotary = context.rotary();
    return call(context.manager(), "rope", x, context.batch(), heads, rotary.cos(), rotary.sin());
  }

  /**
   * Adds to the gradients of the block's LoRA branches, and turns the gradient of the output into
   * that of the input.
   *
   * @param dx the gradient of the output, (T, H); changed in place to the gradient of the input
   * @param inputGradient whether the gradient of the input is needed; if not, the pass ends at the
   *     block's first adapted layers, and {@code dx} is not meaningful
   */
  void backward(Context context, Saved saved, NDArray dx, boolean inputGradient) {
    NDManager manager = context.manager();
    int lowest = inputGradient ? -1 : lowestAdapted();

    NDArray dproduct;
    try (@Nullable NDArray product =
        isAdapted(MLP_OUT) ? call(manager, "silu_mul", saved.gate, saved.up) : null) {
      dproduct = back(context, MLP_OUT, lowest, product, saved, dx);
    }
    if (dproduct == null) {
      return;
    }
    NDArray[] dGateUp = callAll(manager, "silu_mul_backward", dproduct, saved.gate, saved.up);
    dproduct.close();
    NDArray dnormed;
    try (@Nullable NDArray normed =
        isAdapted(MLP_IN)
            ? normed(context, saved.middle, frozen.mlpNorm(), saved.middleScale)
            : null) {
      dnormed = back(context, MLP_IN, lowest, normed, saved, dGateUp);
    }
    close(dGateUp);
    if (dnormed == null) {
      return;
    }
    update("rms_norm_backward_", dx, dnormed, saved.middle, frozen.mlpNorm(), saved.middleScale);
    dnormed.close();

    NDArray dflat = back(context, ATTENTION_OUT, lowest, saved.flat, saved, dx);
    if (dflat == null) {
      return;
    }
    NDArray[] dqkv = attentionBackward(context, saved, dflat);
    dflat.close();
    NDArray dinput;
    try (@Nullable NDArray normed =
        isAdapted(ATTENTION_IN)
            ? normed(context, saved.x, frozen.inputNorm(), saved.inputScale)
            : null) {
      dinput = back(context, ATTENTION_IN, lowest, normed, saved, dqkv);
    }
    close(dqkv);
    if (dinput == null) {
      return;
    }
    update("rms_norm_backward_", dx, dinput, saved.x, frozen.inputNorm(), saved.inputScale);
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
  private @Nullable NDArray back(
      Context context,
      int group,
      int lowest,
      @Nullable NDArray input,
      Saved saved,
      NDArray... dys) {
    return groups
        .get(group)
        .backward(
            context.manager(),
            dys,
            input,
            saved.downs[group],
            context.scratch(),
            context.dropout(),
            context.groupSeed(group),
            group > lowest);
  }

  private static NDArray normed(Context context, NDArray x, NDArray weight, NDArray scale) {
    return call(context.manager(), "rms_norm_again", x, weight, scale);
  }

  /** Returns the gradients of the projected query, key and value, each (T, heads D). */
  private NDArray[] attentionBackward(Context context, Saved saved, NDArray dflat) {
    NDManager manager = context.manager();
    NDArray[] rotated =
        callAll(
            manager,
            "attention_backward",
            dflat,
            saved.q,
            saved.k,
            saved.v,
            saved.attended,
            saved.logSumExp,
            config.heads() / config.keyValueHeads());
    NDArray cos = context.rotary().cos();
    NDArray sin = context.rotary().sin();
    NDArray dq = call(manager, "rope_backward", rotated[0], cos, sin);
    NDArray dk = call(manager, "rope_backward", rotated[1], cos, sin);
    rotated[0].close();
    rotated[1].close();
    return new NDArray[] {dq, dk, rotated[2]};
  }

  private static void close(NDArray[] arrays) {
    for (NDArray array : arrays) {
      array.close();
    }
  }
}
