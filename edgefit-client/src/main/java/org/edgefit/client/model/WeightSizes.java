package org.edgefit.client.model;

import java.util.List;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.format.model.ModelConfig;

/** The memory of a base model's weights, from its config alone. */
public final class WeightSizes {

  private WeightSizes() {}

  /** Returns the bytes of the linear layers of the blocks and of the norms. */
  public static long blocks(ModelConfig config, Quantization quantization) {
    long bytes = (2L * config.layers() + 1) * config.hiddenSize() * Float.BYTES;
    for (LinearSpec spec : config.linearLayers()) {
      long elements = (long) spec.outputs() * spec.inputs();
      long blocks = (elements + Nf4.BLOCK - 1) / Nf4.BLOCK;
      bytes +=
          switch (quantization) {
            case NF4 -> elements / 2 + blocks + blocks / Scales.Nested.BLOCK * Float.BYTES;
            case NF4_SINGLE -> elements / 2 + blocks * Float.BYTES;
            case NONE -> elements * Float.BYTES;
          };
    }
    return bytes;
  }

  /**
   * Returns the bytes of the embeddings and of the head: 16-bit values if they are large, else
   * float32 plus a copy for matmuls in 16 bits.
   */
  public static long embeddings(ModelConfig config, ComputeType type) {
    long elements = (long) config.vocabularySize() * config.hiddenSize();
    boolean isWide = elements * Float.BYTES <= BaseModelLoader.WIDENED_BYTES;
    long bytes = elements * (isWide ? Float.BYTES : Short.BYTES);
    long copy = isWide && type != ComputeType.FLOAT32 ? elements * type.bytes() : 0;
    return (config.tiedEmbeddings() ? bytes : 2 * bytes) + copy;
  }

  /**
   * Returns the bytes that the largest part of a weight takes while it is multiplied.
   *
   * @param isShared whether that is on the CPU, in memory that Java shares
   */
  public static long scratch(ModelConfig config, ComputeType type, boolean isShared) {
    long most = 0;
    for (List<LinearSpec> group : config.linearGroups(0)) {
      int outputs = group.stream().mapToInt(LinearSpec::outputs).sum();
      int inputs = group.get(0).inputs();
      most = Math.max(most, Scratch.bytesOfPart(outputs, inputs, type, isShared));
    }
    return most;
  }
}
