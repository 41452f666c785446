package org.edgefit.adapter;

/**
 * The name and shape of a linear layer of a base model.
 *
 * @param name the module's full name, for example {@code model.layers.0.self_attn.q_proj}
 * @param inputs the input features
 * @param outputs the output features
 */
public record LinearSpec(String name, int inputs, int outputs) {

  /** Returns the last part of the name, which is what a LoRA target names. */
  public String target() {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Returns whether a LoRA target is this layer's name or a suffix of it. */
  boolean isNamedBy(String target) {
    return name.equals(target) || name.endsWith("." + target);
  }
}
