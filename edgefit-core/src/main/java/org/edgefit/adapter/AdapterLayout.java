package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The names and shapes of an adapter's tensors, sorted by name.
 *
 * @param tensors the tensors; sorted by name, no name twice
 */
public record AdapterLayout(List<TensorSpec> tensors) {

  private static final String PREFIX = "base_model.model.";
  private static final String SUFFIX_OF_A = ".lora_A.weight";
  private static final String SUFFIX_OF_B = ".lora_B.weight";

  /** Sorts the tensors and rejects duplicate names. */
  public AdapterLayout {
    List<TensorSpec> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparing(TensorSpec::name));
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).name().equals(sorted.get(i - 1).name())) {
        throw new IllegalArgumentException(sorted.get(i).name() + ": duplicate");
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
      if (layers.stream().noneMatch(layer -> layer.isNamedBy(target))) {
        throw new IllegalArgumentException(
            "targets: "
                + target
                + " (expected: among "
                + layers.stream().map(LinearSpec::target).distinct().sorted().toList()
                + ")");
      }
    }
    return layers.stream().filter(config::adapts).toList();
  }

  /** Returns PEFT's name of a layer's A, of shape (rank, inputs). */
  public static String nameOfA(String layer) {
    return PREFIX + layer + SUFFIX_OF_A;
  }

  /** Returns PEFT's name of a layer's B, of shape (outputs, rank). */
  public static String nameOfB(String layer) {
    return PREFIX + layer + SUFFIX_OF_B;
  }

  /**
   * Returns the adapted layers, each with the indices of its A and B, in the order of the A's.
   *
   * @throws IllegalArgumentException naming the first tensor that is not the A or B of such a pair
   */
  public List<LoraPair> pairs() {
    List<LoraPair> pairs = new ArrayList<>();
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("tensors: none (expected: lora_A and lora_B weights)");
    }
    Map<String, Integer> indices = new HashMap<>();
    for (int t = 0; t < tensors.size(); t++) {
      indices.put(tensors.get(t).name(), t);
    }
    for (int t = 0; t < tensors.size(); t++) {
      TensorSpec tensor = tensors.get(t);
      String layer = layerOf(tensor.name());
      Integer a = layer == null ? null : indices.get(nameOfA(layer));
      Integer b = layer == null ? null : indices.get(nameOfB(layer));
      if (layer == null || a == null || b == null) {
        throw new IllegalArgumentException(
            tensor.name() + " (expected: a pair of lora_A and lora_B weights)");
      }
      if (t == a) {
        pairs.add(pair(layer, a, b));
      }
    }
    return List.copyOf(pairs);
  }

  /** Returns the adapted layers. */
  List<LinearSpec> layers() {
    return pairs().stream().map(LoraPair::layer).toList();
  }

  /** Returns the layout of adapters of another rank over the same layers. */
  public AdapterLayout withRank(int rank) {
    List<TensorSpec> resized = new ArrayList<>();
    for (LoraPair pair : pairs()) {
      LinearSpec layer = pair.layer();
      resized.add(new TensorSpec(nameOfA(layer.name()), List.of(rank, layer.inputs())));
      resized.add(new TensorSpec(nameOfB(layer.name()), List.of(layer.outputs(), rank)));
    }
    return new AdapterLayout(resized);
  }

  /**
   * Returns values of this layout truncated or zero-padded to a layout of another rank (rows of A,
   * columns of B).
   */
  List<FloatBuffer> resized(List<FloatBuffer> values, AdapterLayout to) {
    List<FloatBuffer> result = new ArrayList<>();
    for (int t = 0; t < values.size(); t++) { // names are the same, and so is their order
      List<Integer> from = tensors.get(t).shape();
      List<Integer> shape = to.tensors.get(t).shape();
      FloatBuffer out = FloatBuffer.allocate(to.tensors.get(t).elements());
      int columns = Math.min(from.get(1), shape.get(1));
      for (int row = 0; row < Math.min(from.get(0), shape.get(0)); row++) {
        out.put(row * shape.get(1), values.get(t), row * from.get(1), columns);
      }
      result.add(out);
    }
    return result;
  }

  private LoraPair pair(String layer, int a, int b) {
    List<Integer> shapeOfA = tensors.get(a).shape();
    List<Integer> shapeOfB = tensors.get(b).shape();
    if (shapeOfA.size() != 2) {
      throw new IllegalArgumentException(
          tensors.get(a).name() + ": shape " + shapeOfA + " (expected: [rank, inputs])");
    }
    int rank = shapeOfA.get(0);
    if (shapeOfB.size() != 2 || shapeOfB.get(1) != rank) {
      throw new IllegalArgumentException(
          tensors.get(b).name() + ": shape " + shapeOfB + " (expected: [outputs, " + rank + "])");
    }
    return new LoraPair(new LinearSpec(layer, shapeOfA.get(1), shapeOfB.get(0)), a, b, rank);
  }

  /** Returns the layer whose A or B has this name, or null if it is neither's. */
  private static @Nullable String layerOf(String name) {
    for (String suffix : List.of(SUFFIX_OF_A, SUFFIX_OF_B)) {
      if (name.startsWith(PREFIX)
          && name.endsWith(suffix)
          && name.length() > PREFIX.length() + suffix.length()) {
        return name.substring(PREFIX.length(), name.length() - suffix.length());
      }
    }
    return null;
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
      Finite.require(tensors.get(t).name(), values.get(t));
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
