package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;
import static org.edgefit.client.model.TorchKernels.update;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.DecodeScratch;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers over one input with their LoRA branches: {@code y = x W' + s (dropout(x) A') B'},
 * where ' is the transpose and s the adapter's scale.
 */
final class LinearGroup {

  private final List<BaseModel.Linear> linear;
  private final @Nullable LoraGroup lora;
  private final int rank;
  private final double scale;

  LinearGroup(List<BaseModel.Linear> linear, @Nullable LoraWeights weights) {
    this.linear = linear;
    this.lora = weights == null ? null : weights.group(linear);
    this.rank = weights == null ? 0 : weights.config().rank();
    this.scale = weights == null ? 0 : weights.config().scaling();
  }

  /**
   * What a forward pass gives.
   *
   * @param outputs one array per layer, (rows, outputs)
   * @param down the input after A, (rows, branches x rank), which the backward pass needs; null
   *     without branches
   */
  @SuppressWarnings("ArrayRecordComponent") // a pair of results, never compared
  record Result(NDArray[] outputs, @Nullable NDArray down) {}

  /** Returns whether any layer has a LoRA branch. */
  boolean isAdapted() {
    return lora != null;
  }

  /**
   * Runs the layers.
   *
   * @param x the input, (rows, inputs)
   * @param dropout masks of the branches' input; null for none
   * @param seed the mask's seed
   */
  Result forward(
      NDManager manager, NDArray x, DecodeScratch scratch, @Nullable Dropout dropout, Seed seed) {
    NDArray[] outputs = new NDArray[linear.size()];
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = call(manager, "linear", x, linear.get(i).weight().values(scratch));
    }
    if (lora == null) {
      return new Result(outputs, null);
    }
    NDArray down;
    if (dropout == null) {
      down = call(manager, "lora_down", x, lora.a());
    } else {
      try (NDArray mask = mask(dropout, seed, x)) {
        down = call(manager, "lora_down_dropout", x, mask, lora.a());
      }
    }
    for (LoraGroup.Branch branch : lora.branches()) {
      update("lora_up_", outputs[branch.layer()], down, branch.start(), rank, branch.b(), scale);
    }
    return new Result(outputs, down);
  }

  /**
   * Adds to the branches' gradients, and returns the gradient of the input.
   *
   * @param dys the gradient of each output
   * @param x the forward pass's input, which only the branches need
   * @param down what the forward pass gave
   * @param inputGradient whether the gradient of the input is needed
   * @return the gradient of the input, or null if it is not needed
   */
  @Nullable NDArray backward(
      NDManager manager,
      NDArray[] dys,
      @Nullable NDArray x,
      @Nullable NDArray down,
      DecodeScratch scratch,
      @Nullable Dropout dropout,
      Seed seed,
      boolean inputGradient) {
    NDArray dx = null;
    if (inputGradient) {
      for (int i = 0; i < dys.length; i++) {
        NDArray weight = linear.get(i).weight().values(scratch);
        if (dx == null) {
          dx = call(manager, "linear_backward", dys[i], weight);
        } else {
          update("linear_backward_add_", dx, dys[i], weight);
        }
      }
    }
    if (lora == null || down == null || x == null) {
      return dx;
    }
    int rows = (int) down.getShape().get(0);
    try (NDArray ddown = call(manager, "zeros", rows, lora.branches().size() * rank)) {
      for (LoraGroup.Branch branch : lora.branches()) {
        NDArray dy = dys[branch.layer()];
        update(
            "lora_up_backward_",
            ddown,
            branch.gradB(),
            dy,
            down,
            branch.start(),
            rank,
            branch.b(),
            scale);
      }
      if (dropout == null) {
        update("lora_down_weight_backward_", lora.gradA(), ddown, x);
        if (dx != null) {
          update("lora_down_input_backward_", dx, ddown, lora.a());
        }
      } else {
        try (NDArray mask = mask(dropout, seed, x)) {
          update("lora_down_weight_dropout_backward_", lora.gradA(), ddown, x, mask);
          if (dx != null) {
            update("lora_down_input_dropout_backward_", dx, ddown, lora.a(), mask);
          }
        }
      }
    }
    return dx;
  }

  private static NDArray mask(Dropout dropout, Seed seed, NDArray x) {
    return dropout.mask(seed, (int) x.getShape().get(0), (int) x.getShape().get(1));
  }
}
