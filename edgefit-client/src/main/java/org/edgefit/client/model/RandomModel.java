package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.format.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/** Random weights, made where they stay: as large in memory as a real model's, and as dense. */
final class RandomModel {

  /** The standard deviation of a weight that real checkpoints begin with. */
  private static final float SCALE = 0.02f;

  private final ModelConfig config;
  private final NDManager manager;
  private final SplittableRandom random;
  private final @Nullable Path tokenizer;

  RandomModel(
      ModelConfig config, NDManager manager, SplittableRandom random, @Nullable Path tokenizer) {
    this.config = config;
    this.manager = manager;
    this.random = random;
    this.tokenizer = tokenizer;
  }

  BaseModel make() {
    DenseMatrix embeddings = table();
    List<BaseModel.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      List<LinearStack> stacks =
          config.linearGroups(i).stream()
              .map(
                  group ->
                      new LinearStack(
                          group,
                          List.of(
                              FrozenMatrix.nf4(manager, group.stream().map(this::weight).toList())),
                          null))
              .toList();
      layers.add(
          new BaseModel.Layer(
              norm(), stacks.get(0), stacks.get(1), norm(), stacks.get(2), stacks.get(3)));
    }
    DenseMatrix head = config.tiedEmbeddings() ? embeddings : table();
    return new BaseModel(
        tokenizer, config, Quantization.NF4, manager, embeddings, layers, norm(), head);
  }

  private Nf4Weight weight(LinearSpec spec) {
    int n = Math.multiplyExact(spec.outputs(), spec.inputs());
    ByteBuffer packed = ByteBuffer.allocateDirect((n + 1) / 2);
    while (packed.remaining() >= Long.BYTES) {
      packed.putLong(random.nextLong());
    }
    float[] absmax = new float[Nf4.blocks(n)];
    Arrays.fill(absmax, 2 * SCALE);
    return new Nf4Weight(packed.clear(), Scales.Nested.of(absmax), spec.outputs(), spec.inputs());
  }

  private NDArray norm() {
    float[] ones = new float[config.hiddenSize()];
    Arrays.fill(ones, 1);
    return manager.create(ones);
  }

  /** Makes embeddings or a head in bfloat16 where a loaded one would stay in its 16 bits. */
  private DenseMatrix table() {
    long elements = (long) config.vocabularySize() * config.hiddenSize();
    boolean isHalf = elements * Float.BYTES > BaseModelLoader.WIDENED_BYTES;
    ComputeType type = isHalf ? ComputeType.BFLOAT16 : ComputeType.FLOAT32;
    ByteBuffer memory =
        ByteBuffer.allocateDirect(Math.toIntExact(elements * type.bytes()))
            .order(ByteOrder.nativeOrder());
    while (memory.hasRemaining()) {
      float value = (float) random.nextDouble(-2 * SCALE, 2 * SCALE);
      if (isHalf) {
        memory.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
      } else {
        memory.putFloat(value);
      }
    }
    Shape shape = new Shape(config.vocabularySize(), config.hiddenSize());
    return new DenseMatrix(
        Kernels.view(manager, memory.flip(), shape, type.torchCode()), type.torchCode());
  }
}
