package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.model.LinearStack;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of one input, with LoRA branches: {@code y = x W' + s (dropout(x) A') B'}, where '
 * is the transpose and s the adapter's scale. The layers' outputs lie side by side.
 */
final class LinearGroup {

  /*
   * LoRA [1] on layers that share an input x (T, in), such as query, key and value. The frozen
   * weights W_i (out_i, in) lie under one another, as do the A_i (r, in):
   *
   *   h = (mask * x) A'          (T, branches x r), one product for all branches
   *   y_i = x W_i' + s h_i B_i'  (T, out_i), side by side
   *
   * with s = alpha / r, or alpha / sqrt(r) [2], times 1 / (1 - p) of dropout's rate p. Backward:
   *
   *   dB_i += s dy_i' h_i        dh_i = s dy_i B_i
   *   dA   += dh' (mask * x)     dx   = dy W + mask * (dh A)
   *
   * h is kept (T x r values a branch); the mask is drawn again from its seed, and W is decoded
   * again. The frozen product comes first: the branches, a few rows, are added to what it wrote.
   *
   * [1] Hu et al. 2022. [2] Kalajdzievski 2023, rank-stabilised LoRA.
   */

  private final LinearStack frozen;
  private final @Nullable LoraGroup lora;
  private final int rank;
  private final double scale;

  LinearGroup(LinearStack frozen, @Nullable LoraWeights weights) {
    this.frozen = frozen;
    this.lora = weights == null ? null : weights.group(frozen);
    this.rank = weights == null ? 0 : weights.config().rank();
    this.scale = weights == null ? 0 : weights.config().scaling();
  }

  /**
   * What a forward pass gives.
   *
   * @param output (rows, outputs)
   * @param hidden the hidden activations, (rows, branches x rank), for the backward pass; null
   *     without branches
   */
  record Result(NDArray output, @Nullable NDArray hidden) {}

  /** Returns whether any layer has a LoRA branch. */
  boolean isAdapted() {
    return lora != null;
  }

  /**
   * Runs the layers.
   *
   * @param x the input, (rows, inputs)
   * @param known the input after A, if an earlier pass has kept it; or null
   * @param seed the dropout's seed
   */
  Result forward(DecoderLayer.Context context, NDArray x, @Nullable NDArray known, Seed seed) {
    NDArray y = FrozenProduct.forward(context.manager(), x, frozen.weights(), context.scratch());
    NDArray bias = frozen.bias();
    if (bias != null) {
      Kernels.add(y, bias);
    }
    NDArray hidden = known != null ? known : hidden(context, x, seed);
    if (lora != null && hidden != null) {
      for (LoraGroup.Branch branch : lora.branches()) {
        Kernels.loraUp(y, branch.column(), hidden, branch.start(), branch.b(), scale(context));
      }
    }
    return new Result(y, hidden);
  }

  /** Returns the input after A, or null without branches. */
  private @Nullable NDArray hidden(DecoderLayer.Context context, NDArray x, Seed seed) {
    if (lora == null) {
      return null;
    }
    Dropout dropout = context.dropout();
    NDArray mask = dropout == null ? null : mask(dropout, seed, x);
    return Kernels.loraDown(context.manager(), x, mask, lora.a());
  }

  /**
   * Adds to the branches' gradients, and returns the gradient of the input.
   *
   * @param dy the gradient of the output
   * @param x the forward pass's input, which only the branches need
   * @param hidden what the forward pass gave
   * @param seed the dropout's seed
   * @param inputGradient whether the gradient of the input is needed
   * @return the gradient of the input, or null if it is not needed
   */
  @Nullable NDArray backward(
      DecoderLayer.Context context,
      NDArray dy,
      @Nullable NDArray x,
      @Nullable NDArray hidden,
      Seed seed,
      boolean inputGradient) {
    NDArray dx =
        inputGradient
            ? FrozenProduct.backward(context.manager(), dy, frozen.weights(), context.scratch())
            : null;
    if (lora == null || hidden == null || x == null) {
      return dx;
    }
    int rows = (int) hidden.getShape().get(0);
    int width = lora.branches().size() * rank;
    try (NDArray dhidden = Kernels.empty(context.manager(), hidden, rows, width)) {
      for (LoraGroup.Branch branch : lora.branches()) {
        Kernels.loraUpBackward(
            dhidden,
            branch.gradB(),
            dy,
            branch.column(),
            hidden,
            branch.start(),
            branch.b(),
            scale(context));
      }
      Dropout dropout = context.dropout();
      NDArray mask = dropout == null ? null : mask(dropout, seed, x);
      Kernels.loraDownWeightBackward(lora.gradA(), dhidden, x, mask);
      if (dx != null) {
        Kernels.loraDownInputBackward(dx, dhidden, lora.a(), mask);
      }
    }
    return dx;
  }

  /** Returns the adapter's scale, with that of dropout. */
  private double scale(DecoderLayer.Context context) {
    return context.dropout() == null ? scale : scale * context.dropout().scale();
  }

  private static NDArray mask(Dropout dropout, Seed seed, NDArray x) {
    return dropout.mask(seed, (int) x.getShape().get(0), (int) x.getShape().get(1));
  }
}
