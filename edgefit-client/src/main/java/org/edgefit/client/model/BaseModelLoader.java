package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.format.model.BaseWeights;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.jspecify.annotations.Nullable;

/** One loading of one base model, tensor by tensor. */
final class BaseModelLoader {

  /** Larger embeddings stay in their file's type. */
  static final long WIDENED_BYTES = 256L << 20;

  private static final String EMBEDDINGS = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private final Path directory;
  private final ModelConfig config;
  private final BaseWeights weights;
  private final NDManager manager;
  private final Quantization quantization;
  private final Set<String> unread;
  private final Nf4Quantizer quantizer = new Nf4Quantizer();

  BaseModelLoader(
      Path directory,
      ModelConfig config,
      BaseWeights weights,
      NDManager manager,
      Quantization quantization) {
    this.directory = directory;
    this.config = config;
    this.weights = weights;
    this.manager = manager;
    this.quantization = quantization;
    this.unread = new TreeSet<>(weights.names());
  }

  BaseModel load() throws IOException {
    DenseMatrix embeddings = table(EMBEDDINGS);
    List<BaseModel.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      String prefix = "model.layers." + i + ".";
      List<List<LinearSpec>> groups = config.linearGroups(i);
      layers.add(
          new BaseModel.Layer(
              vector(prefix + "input_layernorm.weight"),
              stack(groups.get(0)),
              stack(groups.get(1)),
              vector(prefix + "post_attention_layernorm.weight"),
              stack(groups.get(2)),
              stack(groups.get(3))));
    }
    NDArray finalNorm = vector("model.norm.weight");
    DenseMatrix head = embeddings;
    if (!config.tiedEmbeddings() || (unread.contains(HEAD) && !isSame(EMBEDDINGS, HEAD))) {
      head = table(HEAD);
    }
    unread.remove(HEAD);
    unread.removeIf(name -> name.endsWith(".rotary_emb.inv_freq")); // follows from the config
    if (!unread.isEmpty()) {
      throw new IOException(
          directory
              + ": "
              + unread.iterator().next()
              + ": not a tensor of a "
              + config.modelType()
              + " model, or not supported");
    }
    return new BaseModel(
        directory, config, quantization, manager, embeddings, layers, finalNorm, head);
  }

  /** Checkpoints may hold the tied head once more; where it differs, it is what counts. */
  private boolean isSame(String one, String other) throws IOException {
    StoredTensor tensor = weights.tensor(one);
    if (!tensor.shape().equals(weights.tensor(other).shape())) {
      return false;
    }
    int part = 1 << 20;
    for (long from = 0; from < tensor.elements(); from += part) {
      FloatBuffer a = FloatBuffer.allocate((int) Math.min(part, tensor.elements() - from));
      FloatBuffer b = FloatBuffer.allocate(a.capacity());
      weights.copyFloats(one, from, a);
      weights.copyFloats(other, from, b);
      if (!a.flip().equals(b.flip())) {
        return false;
      }
    }
    return true;
  }

  private LinearStack stack(List<LinearSpec> layers) throws IOException {
    boolean[] packed = new boolean[layers.size()];
    int quantized = 0;
    for (int i = 0; i < packed.length; i++) {
      packed[i] = isPacked(layers.get(i));
      quantized += packed[i] || quantization != Quantization.NONE ? 1 : 0;
    }
    List<FrozenMatrix> matrices = new ArrayList<>();
    if (quantized == packed.length) {
      List<Nf4Weight> nf4 = new ArrayList<>();
      for (LinearSpec layer : layers) {
        nf4.add(nf4(layer));
      }
      matrices.add(FrozenMatrix.nf4(manager, nf4));
    } else if (quantized == 0) {
      matrices.add(dense(layers));
    } else {
      for (int i = 0; i < packed.length; i++) {
        LinearSpec layer = layers.get(i);
        matrices.add(
            packed[i] ? FrozenMatrix.nf4(manager, List.of(nf4(layer))) : dense(List.of(layer)));
      }
    }
    return new LinearStack(layers, matrices, bias(layers));
  }

  private boolean isPacked(LinearSpec layer) throws IOException {
    return weights instanceof ModelFiles files
        && BitsAndBytes.isQuantized(files, layer.name() + ".weight");
  }

  private Nf4Weight nf4(LinearSpec layer) throws IOException {
    String name = layer.name() + ".weight";
    if (weights instanceof ModelFiles files && BitsAndBytes.isQuantized(files, name)) {
      return BitsAndBytes.read(files, name, layer, unread);
    }
    requireShape(name, layer.outputs(), layer.inputs());
    return quantizer.quantize(
        (first, out) -> FiniteWeights.copy(weights, name, first, out),
        layer.outputs(),
        layer.inputs(),
        quantization == Quantization.NF4);
  }

  private DenseMatrix dense(List<LinearSpec> layers) throws IOException {
    int inputs = layers.get(0).inputs();
    int outputs = layers.stream().mapToInt(LinearSpec::outputs).sum();
    ByteBuffer memory = memory((long) outputs * inputs, Float.BYTES);
    FloatBuffer values = memory.asFloatBuffer();
    int at = 0;
    for (LinearSpec layer : layers) {
      String name = layer.name() + ".weight";
      requireShape(name, layer.outputs(), inputs);
      FiniteWeights.copy(weights, name, 0, values.slice(at, layer.outputs() * inputs));
      at += layer.outputs() * inputs;
    }
    return new DenseMatrix(floats(memory, outputs, inputs), ComputeType.FLOAT32.torchCode());
  }

  private @Nullable NDArray bias(List<LinearSpec> layers) throws IOException {
    if (layers.stream().noneMatch(layer -> config.biases().contains(layer.target()))) {
      return null;
    }
    int outputs = layers.stream().mapToInt(LinearSpec::outputs).sum();
    ByteBuffer memory = memory(outputs, Float.BYTES);
    FloatBuffer values = memory.asFloatBuffer();
    int at = 0;
    for (LinearSpec layer : layers) {
      if (config.biases().contains(layer.target())) {
        requireShape(layer.name() + ".bias", layer.outputs());
        FiniteWeights.copy(weights, layer.name() + ".bias", 0, values.slice(at, layer.outputs()));
      }
      at += layer.outputs();
    }
    return floats(memory, outputs);
  }

  private NDArray vector(String name) throws IOException {
    requireShape(name, config.hiddenSize());
    ByteBuffer memory = memory(config.hiddenSize(), Float.BYTES);
    FiniteWeights.copy(weights, name, 0, memory.asFloatBuffer());
    return floats(memory, config.hiddenSize());
  }

  /** Reads the embeddings or the head. */
  private DenseMatrix table(String name) throws IOException {
    int rows = config.vocabularySize();
    int columns = config.hiddenSize();
    requireShape(name, rows, columns);
    TensorType type = weights.tensor(name).type();
    long elements = (long) rows * columns;
    boolean isHalf = type == TensorType.BF16 || type == TensorType.F16;
    if (!isHalf || elements * Float.BYTES <= WIDENED_BYTES) {
      ByteBuffer memory = memory(elements, Float.BYTES);
      FiniteWeights.copy(weights, name, 0, memory.asFloatBuffer());
      return new DenseMatrix(floats(memory, rows, columns), ComputeType.FLOAT32.torchCode());
    }
    ByteBuffer memory = memory(elements, Short.BYTES);
    FiniteWeights.require(weights, name);
    weights.copyBytes(name, memory);
    int code = type == TensorType.BF16 ? ComputeType.BFLOAT16.torchCode() : 5;
    return new DenseMatrix(
        Kernels.view(manager, memory.flip(), new Shape(rows, columns), code), code);
  }

  private NDArray floats(ByteBuffer memory, long... shape) {
    return Kernels.view(manager, memory, new Shape(shape), ComputeType.FLOAT32.torchCode());
  }

  private ByteBuffer memory(long elements, int bytesPerValue) throws IOException {
    long bytes = elements * bytesPerValue;
    if (bytes > Integer.MAX_VALUE) {
      throw new IOException(
          directory + ": a tensor of " + bytes + " bytes (expected: fewer than 2^31)");
    }
    return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
  }

  /** Checks a tensor's shape, and notes that it is read. */
  private void requireShape(String name, int... shape) throws IOException {
    StoredTensor tensor = weights.tensor(name);
    List<Long> expected = new ArrayList<>();
    for (int dimension : shape) {
      expected.add((long) dimension);
    }
    if (!tensor.shape().equals(expected)) {
      throw new IOException(
          weights.where(name)
              + ": shape "
              + tensor.shape()
              + " (expected: "
              + expected
              + ", from config.json)");
    }
    unread.remove(name);
  }
}
