package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;
import static org.edgefit.client.model.TorchKernels.update;

import ai.djl.ndarray.NDArray;
import org.edgefit.client.model.LinearStack;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers over one input with their LoRA branches: {@code y = x W' + s (dropout(x) A') B'},
 * where ' is the transpose and s the adapter's scale. The layers' outputs lie side by side.
 */
final class LinearGroup {

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
   * @param down the input after A, (rows, branches x rank), which the backward pass needs; null
   *     without branches
   */
  record Result(NDArray output, @Nullable NDArray down) {}

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
      update("add_", y, bias);
    }
    NDArray down = known != null ? known : down(context, x, seed);
    if (lora != null && down != null) {
      for (LoraGroup.Branch branch : lora.branches()) {
        update("lora_up_", y, branch.column(), down, branch.start(), branch.b(), scale(context));
      }
    }
    return new Result(y, down);
  }

  /** Returns the input after A, or null without branches. */
  private @Nullable NDArray down(DecoderLayer.Context context, NDArray x, Seed seed) {
    if (lora == null) {
      return null;
    }
    Dropout dropout = context.dropout();
    if (dropout == null) {
      return call(context.manager(), "lora_down", x, lora.a());
    }
    return call(context.manager(), "lora_down_dropout", x, mask(dropout, seed, x), lora.a());
  }

  /**
   * Adds to the branches' gradients, and returns the gradient of the input.
   *
   * @param dy the gradient of the output
   * @param x the forward pass's input, which only the branches need
   * @param down what the forward pass gave
   * @param seed the dropout's seed
   * @param inputGradient whether the gradient of the input is needed
   * @return the gradient of the input, or null if it is not needed
   */
  @Nullable NDArray backward(
      DecoderLayer.Context context,
      NDArray dy,
      @Nullable NDArray x,
      @Nullable NDArray down,
      Seed seed,
      boolean inputGradient) {
    NDArray dx =
        inputGradient
            ? FrozenProduct.backward(context.manager(), dy, frozen.weights(), context.scratch())
            : null;
    if (lora == null || down == null || x == null) {
      return dx;
    }
    int rows = (int) down.getShape().get(0);
    int width = lora.branches().size() * rank;
    try (NDArray ddown = call(context.manager(), "empty", down, rows, width)) {
      for (LoraGroup.Branch branch : lora.branches()) {
        update(
            "lora_up_backward_",
            ddown,
            branch.gradB(),
            dy,
            branch.column(),
            down,
            branch.start(),
            branch.b(),
            scale(context));
      }
      Dropout dropout = context.dropout();
      if (dropout == null) {
        update("lora_down_weight_backward_", lora.gradA(), ddown, x);
        if (dx != null) {
          update("lora_down_input_backward_", dx, ddown, lora.a());
        }
      } else {
        NDArray mask = mask(dropout, seed, x);
        update("lora_down_weight_dropout_backward_", lora.gradA(), ddown, x, mask);
        if (dx != null) {
          update("lora_down_input_dropout_backward_", dx, ddown, lora.a(), mask);
        }
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
