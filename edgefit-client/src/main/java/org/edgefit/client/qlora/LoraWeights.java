package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.model.BaseModel;
import org.jspecify.annotations.Nullable;

/**
 * An adapter's weights and gradients in native memory: all weights in one run of floats, all
 * gradients in another, and views of both as the arrays that kernels take. The optimizer goes over
 * the runs, the decoder over the views.
 */
final class LoraWeights implements AutoCloseable {

  private final LoraConfig config;
  private final AdapterLayout layout;
  private final NDManager manager;
  private final ByteBuffer weightMemory;
  private final ByteBuffer gradientMemory;
  private final Map<String, Integer> offsets = new HashMap<>();
  private final Map<List<BaseModel.Linear>, LoraGroup> groups = new HashMap<>();
  private int used;

  /**
   * Copies an adapter into native memory.
   *
   * @throws IllegalArgumentException naming the first tensor that does not fit the base model
   */
  LoraWeights(NDManager parent, BaseModel base, Adapter adapter) {
    config = adapter.config();
    layout = adapter.layout();
    AdapterLayout.of(config, base.linearLayers()).requireSame(layout);
    manager = parent.newSubManager();
    int bytes = Math.toIntExact(layout.bytes());
    weightMemory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    gradientMemory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    for (BaseModel.Layer layer : base.layers()) {
      addGroup(layer.attentionIn());
      addGroup(layer.attentionOut());
      addGroup(layer.mlpIn());
      addGroup(layer.mlpOut());
    }
    FloatBuffer weights = weights();
    for (int t = 0; t < layout.tensors().size(); t++) {
      weights.position(offset(layout.tensors().get(t)));
      weights.put(adapter.tensor(t));
    }
  }

  private void addGroup(List<BaseModel.Linear> linear) {
    List<Integer> adapted = new ArrayList<>();
    for (int i = 0; i < linear.size(); i++) {
      String name = linear.get(i).name();
      if (config.targets().contains(name.substring(name.lastIndexOf('.') + 1))) {
        adapted.add(i);
      }
    }
    if (adapted.isEmpty()) {
      return;
    }
    int rank = config.rank();
    int inputs = linear.get(0).weight().inputs();
    int startOfA = used;
    for (int i : adapted) {
      offsets.put(AdapterLayout.nameOfA(linear.get(i).name()), used);
      used += rank * inputs;
    }
    Shape shapeOfA = new Shape((long) adapted.size() * rank, inputs);
    List<LoraGroup.Branch> branches = new ArrayList<>();
    for (int i : adapted) {
      Shape shapeOfB = new Shape(linear.get(i).weight().outputs(), rank);
      offsets.put(AdapterLayout.nameOfB(linear.get(i).name()), used);
      branches.add(
          new LoraGroup.Branch(
              i,
              branches.size() * rank,
              view(weightMemory, used, shapeOfB),
              view(gradientMemory, used, shapeOfB)));
      used += Math.toIntExact(shapeOfB.size());
    }
    groups.put(
        linear,
        new LoraGroup(
            view(weightMemory, startOfA, shapeOfA),
            view(gradientMemory, startOfA, shapeOfA),
            List.copyOf(branches)));
  }

  private NDArray view(ByteBuffer memory, int offset, Shape shape) {
    ByteBuffer part =
        memory
            .slice(offset * Float.BYTES, Math.toIntExact(shape.size()) * Float.BYTES)
            .order(ByteOrder.nativeOrder());
    return manager.create(part, shape, DataType.FLOAT32);
  }

  private int offset(TensorSpec tensor) {
    return offsets.getOrDefault(tensor.name(), -1);
  }

  /** Returns the adapter's config. */
  LoraConfig config() {
    return config;
  }

  /** Returns the branches of linear layers that share an input, or null if none is adapted. */
  @Nullable LoraGroup group(List<BaseModel.Linear> linear) {
    return groups.get(linear);
  }

  /** Returns all weights, for the optimizer to change. */
  FloatBuffer weights() {
    return weightMemory.asFloatBuffer();
  }

  /** Returns all gradients, in the order of the weights. */
  FloatBuffer gradients() {
    return gradientMemory.asFloatBuffer();
  }

  /** Sets every gradient to zero. */
  void clearGradients() {
    for (int i = 0; i < gradientMemory.capacity(); i += Float.BYTES) {
      gradientMemory.putFloat(i, 0);
    }
  }

  /** Returns a copy of the weights. */
  Adapter toAdapter() {
    return Adapter.of(config, layout, copy(weights()));
  }

  /** Returns a copy of one tensor's gradient. */
  FloatBuffer gradient(String tensor) {
    int index = layout.tensors().stream().map(TensorSpec::name).toList().indexOf(tensor);
    return copy(gradients()).get(index);
  }

  private List<FloatBuffer> copy(FloatBuffer source) {
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] copy = new float[tensor.elements()];
      source.get(offset(tensor), copy);
      values.add(FloatBuffer.wrap(copy));
    }
    return values;
  }

  @Override
  public void close() {
    manager.close();
  }
}
