package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of an adapter in their one order, which is by name.
 *
 * @param tensors the tensors; sorted by name, no name twice
 */
public record AdapterLayout(List<TensorSpec> tensors) {

  private static final String PREFIX = "base_model.model.";

  /** Sorts the tensors and refuses a name that comes twice. */
  public AdapterLayout {
    List<TensorSpec> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparing(TensorSpec::name));
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).name().equals(sorted.get(i - 1).name())) {
        throw new IllegalArgumentException(sorted.get(i).name() + ": comes twice");
      }
    }
    tensors = List.copyOf(sorted);
  }

  /**
   * Returns the layout of an adapter over these layers.
   *
   * @throws IllegalArgumentException if a target names no layer
   */
  public static AdapterLayout of(LoraConfig config, List<LinearSpec> layers) {
    List<TensorSpec> tensors = new ArrayList<>();
    for (LinearSpec layer : targeted(config.resolvedFor(layers), layers)) {
      tensors.add(new TensorSpec(nameOfA(layer.name()), List.of(config.rank(), layer.inputs())));
      tensors.add(new TensorSpec(nameOfB(layer.name()), List.of(layer.outputs(), config.rank())));
    }
    return new AdapterLayout(tensors);
  }

  /** Returns the layers that the config targets, in the given order. */
  static List<LinearSpec> targeted(LoraConfig config, List<LinearSpec> layers) {
    for (String target : config.targets()) {
      if (layers.stream().noneMatch(layer -> layer.target().equals(target))) {
        throw new IllegalArgumentException(
            "targets: "
                + target
                + " (expected: among "
                + layers.stream().map(LinearSpec::target).distinct().sorted().toList()
                + ")");
      }
    }
    return layers.stream().filter(layer -> config.targets().contains(layer.target())).toList();
  }

  /** Returns PEFT's name of a layer's A, of shape (rank, inputs). */
  public static String nameOfA(String layer) {
    return PREFIX + layer + ".lora_A.weight";
  }

  /** Returns PEFT's name of a layer's B, of shape (outputs, rank). */
  public static String nameOfB(String layer) {
    return PREFIX + layer + ".lora_B.weight";
  }

  /** Returns the layers whose A and B are here. */
  List<LinearSpec> layers() {
    Map<String, TensorSpec> byName = new HashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    List<LinearSpec> layers = new ArrayList<>();
    for (TensorSpec a : tensors) {
      String name = a.name().replace(PREFIX, "").replace(".lora_A.weight", "");
      TensorSpec b = byName.get(nameOfB(name));
      if (a.name().equals(nameOfA(name)) && b != null) {
        layers.add(new LinearSpec(name, a.shape().get(1), b.shape().get(0)));
      }
    }
    return layers;
  }

  /** Returns the number of values in all tensors. */
  public long elements() {
    return tensors.stream().mapToLong(TensorSpec::elements).sum();
  }

  /** Returns the bytes of all values in float32. */
  public long bytes() {
    return elements() * Float.BYTES;
  }

  /**
   * Checks that another layout is this one.
   *
   * @throws IllegalArgumentException naming the first tensor that differs
   */
  public void requireSame(AdapterLayout other) {
    if (tensors.equals(other.tensors)) {
      return;
    }
    Map<String, TensorSpec> theirs = new HashMap<>();
    other.tensors.forEach(tensor -> theirs.put(tensor.name(), tensor));
    for (TensorSpec ours : tensors) {
      TensorSpec their = theirs.remove(ours.name());
      if (their == null) {
        throw new IllegalArgumentException(ours.name() + ": missing");
      }
      if (!their.equals(ours)) {
        throw new IllegalArgumentException(
            ours.name() + ": shape " + their.shape() + " (expected: " + ours.shape() + ")");
      }
    }
    for (TensorSpec their : other.tensors) {
      if (theirs.containsKey(their.name())) {
        throw new IllegalArgumentException(their.name() + ": not a tensor of this adapter");
      }
    }
  }

  /** Checks that every value is finite, and names the first that is not. */
  void requireFinite(List<FloatBuffer> values) {
    for (int t = 0; t < values.size(); t++) {
      FloatBuffer tensor = values.get(t);
      for (int i = 0; i < tensor.capacity(); i++) {
        if (!Float.isFinite(tensor.get(i))) {
          throw new IllegalArgumentException(
              tensors.get(t).name()
                  + "["
                  + i
                  + "]: "
                  + tensor.get(i)
                  + " (expected: a finite number)");
        }
      }
    }
  }

  /** Checks that there is one buffer per tensor with its number of elements. */
  List<FloatBuffer> requireFits(List<FloatBuffer> values) {
    if (values.size() != tensors.size()) {
      throw new IllegalArgumentException(
          "tensors: " + values.size() + " (expected: " + tensors.size() + ")");
    }
    List<FloatBuffer> views = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      TensorSpec tensor = tensors.get(i);
      if (values.get(i).remaining() != tensor.elements()) {
        throw new IllegalArgumentException(
            tensor.name()
                + ": "
                + values.get(i).remaining()
                + " values (expected: "
                + tensor.elements()
                + ")");
      }
      views.add(values.get(i).slice().asReadOnlyBuffer());
    }
    return List.copyOf(views);
  }
}
