package org.edgefit.client.qlora;

import ai.djl.Device;
import java.util.LinkedHashMap;
import java.util.Map;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.model.WeightSizes;
import org.edgefit.format.model.ModelConfig;

/**
 * A prediction of training memory by component, and the choice of layers that keep their
 * activations. The other layers keep their input and small tensors, and are recomputed (activation
 * checkpointing).
 */
public final class MemoryPlan {

  /** What the JVM, its code, the native libraries and the gaps between arrays take, measured. */
  private static final long ENGINE_BYTES = 400L << 20;

  private final ModelConfig config;
  private final Quantization quantization;
  private final LoraConfig lora;
  private final ComputeType type;
  private final boolean isShared;
  private final long budget;

  private MemoryPlan(
      ModelConfig config,
      Quantization quantization,
      LoraConfig lora,
      ComputeType type,
      boolean isShared,
      long budget) {
    this.config = config;
    this.quantization = quantization;
    this.lora = lora.resolvedFor(config.linearLayers());
    this.type = type;
    this.isShared = isShared;
    this.budget = budget;
  }

  /** Returns a plan for CPU training where every layer keeps its activations. */
  public static MemoryPlan of(
      ModelConfig config, Quantization quantization, LoraConfig lora, ComputeType type) {
    return new MemoryPlan(config, quantization, lora, type, true, 0);
  }

  /** Returns this plan for a device: GPUs dequantise weights in larger tiles. */
  public MemoryPlan on(Device device) {
    boolean isCpu = device.equals(Device.cpu());
    return new MemoryPlan(config, quantization, lora, type, isCpu, budget);
  }

  /** Returns a plan that keeps everything, for a model that is not trained. */
  static MemoryPlan unlimited(ModelConfig config) {
    return of(config, Quantization.NF4, LoraConfig.attention(1), ComputeType.FLOAT32);
  }

  /**
   * Returns the plan of a training within a budget.
   *
   * @param bytes the memory limit of the process
   * @param rows the most tokens of a forward pass
   * @throws IllegalArgumentException if even full checkpointing needs more
   */
  public MemoryPlan within(long bytes, int rows) {
    long least = total(components(rows, 0));
    if (bytes < least) {
      throw new IllegalArgumentException(
          "memory: "
              + (bytes >> 20)
              + " MiB (expected: at least "
              + ((least >> 20) + 1)
              + " MiB for forward passes of "
              + rows
              + " tokens; use a smaller batch or shorter texts)");
    }
    return new MemoryPlan(config, quantization, lora, type, isShared, bytes);
  }

  /**
   * Returns how many layers keep their activations, from the last one down.
   *
   * @param rows the tokens of a forward pass
   * @param layers the layers that a backward pass reaches
   */
  int layersKept(int rows, int layers) {
    if (budget == 0) {
      return layers;
    }
    long left = budget - total(components(rows, 0));
    return (int) Math.max(0, Math.min(layers, left / keptBytes(rows)));
  }

  /**
   * Returns the predicted peak bytes of a training step, by component.
   *
   * @param rows the tokens of a forward pass
   */
  public Map<String, Long> components(int rows) {
    return components(rows, layersKept(rows, config.layers()));
  }

  private Map<String, Long> components(int rows, int kept) {
    long perRow = (long) config.hiddenSize() * Float.BYTES + downBytes();
    long inputs = (long) config.layers() * rows * perRow;
    Map<String, Long> components = new LinkedHashMap<>();
    components.put("base model", WeightSizes.blocks(config, quantization));
    components.put("embeddings and head", WeightSizes.embeddings(config, type));
    components.put("adapter and optimizer", adapterBytes());
    components.put("activations", inputs + kept * keptBytes(rows));
    components.put(
        "work in a layer", workBytes(rows) + (kept < config.layers() ? keptBytes(rows) : 0));
    components.put("logits", logitBytes(rows));
    components.put("JVM and libraries", ENGINE_BYTES);
    return components;
  }

  /** Returns the bytes of all components. */
  public static long total(Map<String, Long> components) {
    return components.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Returns how many of the layers keep their activations in a pass over so many tokens. */
  public int layersKept(int rows) {
    return layersKept(rows, config.layers());
  }

  /** The LoRA inputs after A of one row, which every layer keeps. */
  private long downBytes() {
    long adapted = AdapterLayout.of(lora, config.linearLayers()).tensors().size() / 2;
    long inALayer = (adapted + config.layers() - 1) / config.layers();
    return inALayer * lora.rank() * type.bytes();
  }

  /** What one layer keeps beyond that and its input. */
  private long keptBytes(int rows) {
    long computed =
        config.attentionWidth()
            + (long) config.heads() * config.headSize()
            + 2L * config.intermediateSize();
    long exact = config.hiddenSize() + config.heads() + 2L;
    return rows * (computed * type.bytes() + exact * Float.BYTES);
  }

  /** What a layer's backward pass takes on top, at most: around the MLP's gradients. */
  private long workBytes(int rows) {
    long mlp = 3L * config.intermediateSize() * type.bytes();
    long residual = 3L * config.hiddenSize() * Float.BYTES;
    return rows * (mlp + residual + dropoutBytes()) + WeightSizes.scratch(config, type, isShared);
  }

  /** A mask and an input that it is multiplied with; a device draws masks in 64 bits. */
  private long dropoutBytes() {
    if (lora.dropout() == 0) {
      return 0;
    }
    int widest =
        config.linearLayers().stream()
            .filter(lora::adapts)
            .mapToInt(LinearSpec::inputs)
            .max()
            .orElse(0);
    return (long) widest * (2 * type.bytes() + (isShared ? 0 : 2 * Long.BYTES));
  }

  private long logitBytes(int rows) {
    long chunk = Math.min(rows, Decoder.rowsOfLogits(config));
    int perLogit = type == ComputeType.FLOAT32 ? Float.BYTES : Float.BYTES + type.bytes();
    return chunk * config.vocabularySize() * perLogit;
  }

  /**
   * Weights, gradients and two moments; the adapter that training started from, and the result. On
   * a device, weights and gradients alone.
   */
  private long adapterBytes() {
    long weights = AdapterLayout.of(lora, config.linearLayers()).bytes();
    long copy = type == ComputeType.FLOAT32 ? weights : weights / 2;
    return isShared ? 6 * weights + (type == ComputeType.FLOAT32 ? 0 : copy) : weights + copy;
  }
}
