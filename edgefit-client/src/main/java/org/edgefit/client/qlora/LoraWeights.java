package org.edgefit.client.qlora;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.LinearStack;
import org.jspecify.annotations.Nullable;

/**
 * An adapter's weights and gradients in native memory: all weights in one run of floats, all
 * gradients in another, which the optimizer goes over. The arrays that kernels take are views of
 * both on the CPU, and copies on another device, or of weights in another type.
 */
final class LoraWeights implements AutoCloseable {

  private final LoraConfig config;
  private final AdapterLayout layout;
  private final NDManager manager;
  private final ByteBuffer weightMemory;
  private final ByteBuffer gradientMemory;
  private final Map<String, Integer> offsets = new HashMap<>();
  private final IdentityHashMap<LinearStack, LoraGroup> groups = new IdentityHashMap<>();
  private final ComputeType type;
  private final NDManager host;
  private final IdentityHashMap<NDArray, NDArray> weightCopies = new IdentityHashMap<>();
  private final IdentityHashMap<NDArray, NDArray> gradientCopies = new IdentityHashMap<>();
  private int used;

  /**
   * Copies an adapter into native memory, for products in float32.
   *
   * @throws IllegalArgumentException naming the first tensor that does not fit the base model
   */
  LoraWeights(NDManager parent, BaseModel base, Adapter adapter) {
    this(parent, base, adapter, ComputeType.FLOAT32);
  }

  /**
   * Copies an adapter into native memory.
   *
   * @param type the type of the products that it takes part in
   * @throws IllegalArgumentException naming the first tensor that does not fit the base model
   */
  LoraWeights(NDManager parent, BaseModel base, Adapter adapter, ComputeType type) {
    this.type = type;
    config = adapter.config();
    layout = adapter.layout();
    AdapterLayout.of(config, base.linearLayers()).requireSame(layout);
    manager = parent.newSubManager();
    host = parent.newSubManager(Device.cpu()); // freed with the parent, whoever closes it
    int bytes = Math.toIntExact(layout.bytes());
    weightMemory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    gradientMemory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    for (BaseModel.Layer layer : base.layers()) {
      layer.stacks().forEach(this::addGroup);
    }
    FloatBuffer weights = weights();
    for (int t = 0; t < layout.tensors().size(); t++) {
      weights.position(offset(layout.tensors().get(t)));
      weights.put(adapter.tensor(t));
    }
    refresh();
  }

  private void addGroup(LinearStack stack) {
    List<LinearSpec> adapted = stack.layers().stream().filter(config::adapts).toList();
    if (adapted.isEmpty()) {
      return;
    }
    int rank = config.rank();
    int startOfA = used;
    for (LinearSpec layer : adapted) {
      offsets.put(AdapterLayout.nameOfA(layer.name()), used);
      used += rank * layer.inputs();
    }
    Shape shapeOfA = new Shape((long) adapted.size() * rank, stack.inputs());
    List<LoraGroup.Branch> branches = new ArrayList<>();
    int column = 0;
    for (LinearSpec layer : stack.layers()) {
      if (adapted.contains(layer)) {
        Shape shapeOfB = new Shape(layer.outputs(), rank);
        offsets.put(AdapterLayout.nameOfB(layer.name()), used);
        branches.add(
            new LoraGroup.Branch(
                column, branches.size() * rank, operand(used, shapeOfB), gradient(used, shapeOfB)));
        used += Math.toIntExact(shapeOfB.size());
      }
      column += layer.outputs();
    }
    groups.put(
        stack,
        new LoraGroup(
            operand(startOfA, shapeOfA), gradient(startOfA, shapeOfA), List.copyOf(branches)));
  }

  /** Returns weights as products take them: a view of the memory, or a copy. */
  private NDArray operand(int offset, Shape shape) {
    NDArray view = view(weightMemory, offset, shape);
    if (type == ComputeType.FLOAT32 && TorchEngine.sharesMemory(manager)) {
      return view;
    }
    NDArray copy;
    try (NDArray zeros = manager.zeros(shape)) {
      copy = Kernels.copied(manager, zeros, type);
    }
    weightCopies.put(copy, view);
    return copy;
  }

  /** Returns a gradient as kernels add to it: a view of the memory, or an array of its own. */
  private NDArray gradient(int offset, Shape shape) {
    NDArray view = view(gradientMemory, offset, shape);
    if (TorchEngine.sharesMemory(manager)) {
      return view;
    }
    NDArray copy = manager.zeros(shape);
    gradientCopies.put(copy, view);
    return copy;
  }

  /** Brings copies up to date, after the weights have changed. */
  void refresh() {
    weightCopies.forEach((copy, view) -> Kernels.copy(copy, view));
  }

  private NDArray view(ByteBuffer memory, int offset, Shape shape) {
    ByteBuffer part =
        memory
            .slice(offset * Float.BYTES, Math.toIntExact(shape.size()) * Float.BYTES)
            .order(ByteOrder.nativeOrder());
    return host.create(part, shape, DataType.FLOAT32);
  }

  private int offset(TensorSpec tensor) {
    return offsets.getOrDefault(tensor.name(), -1);
  }

  /** Returns the adapter's config. */
  LoraConfig config() {
    return config;
  }

  /** Returns the type of the products. */
  ComputeType type() {
    return type;
  }

  /** Returns the branches of linear layers that share an input, or null if none is adapted. */
  @Nullable LoraGroup group(LinearStack stack) {
    return groups.get(stack);
  }

  /** Returns all weights, for the optimizer to change; {@link #refresh} is to follow. */
  FloatBuffer weights() {
    return weightMemory.asFloatBuffer();
  }

  /** Returns all gradients as they are now, in the order of the weights. */
  FloatBuffer gradients() {
    gradientCopies.forEach((copy, view) -> Kernels.copy(view, copy));
    return gradientMemory.asFloatBuffer();
  }

  /** Returns a view of one tensor's weights, by its index in the adapter's layout. */
  FloatBuffer weightsOf(int tensor) {
    return weights()
        .slice(offset(layout.tensors().get(tensor)), elements(tensor))
        .asReadOnlyBuffer();
  }

  /**
   * Returns a view of one tensor's gradient, as {@link #gradients} has brought it here; a change of
   * it is what the optimizer sees.
   */
  FloatBuffer gradientsOf(int tensor) {
    return gradientMemory
        .asFloatBuffer()
        .slice(offset(layout.tensors().get(tensor)), elements(tensor));
  }

  private int elements(int tensor) {
    return layout.tensors().get(tensor).elements();
  }

  /** Sets every gradient to zero. */
  void clearGradients() {
    for (int i = 0; i < gradientMemory.capacity(); i += Float.BYTES) {
      gradientMemory.putFloat(i, 0);
    }
    gradientCopies.keySet().forEach(copy -> Kernels.fill(copy, 0.0));
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
    host.close();
  }
}
