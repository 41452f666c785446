package org.edgefit.adapter;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Float32 tensors by name, sent along with an adapter or kept as state by server or client. The
 * first part of a name is its group: {@code control/...} are the tensors of a group with an
 * adapter's layout. Immutable.
 */
public final class NamedTensors {

  private static final NamedTensors NONE = new NamedTensors(new TreeMap<>());

  private record Entry(TensorSpec spec, FloatBuffer values) {}

  private final NavigableMap<String, Entry> entries;

  private NamedTensors(NavigableMap<String, Entry> entries) {
    this.entries = entries;
  }

  /** Returns no tensors. */
  public static NamedTensors none() {
    return NONE;
  }

  /**
   * Returns these tensors with one added or replaced.
   *
   * @param shape the dimensions, outermost first; empty for a single value
   * @param values the values, which are shared and must not change any more
   */
  public NamedTensors with(String name, List<Integer> shape, FloatBuffer values) {
    TensorSpec spec = new TensorSpec(name, shape);
    if (values.remaining() != spec.elements()) {
      throw new IllegalArgumentException(
          name + ": " + values.remaining() + " values (expected: " + spec.elements() + ")");
    }
    TreeMap<String, Entry> more = new TreeMap<>(entries);
    more.put(name, new Entry(spec, values.slice().asReadOnlyBuffer()));
    return new NamedTensors(more);
  }

  /** Returns these tensors with a delta added as a group. */
  public NamedTensors with(String group, AdapterDelta values) {
    TreeMap<String, Entry> more = new TreeMap<>(without(group).entries);
    for (int t = 0; t < values.layout().tensors().size(); t++) {
      TensorSpec spec = values.layout().tensors().get(t);
      String name = group + "/" + spec.name();
      more.put(name, new Entry(new TensorSpec(name, spec.shape()), values.tensor(t)));
    }
    return new NamedTensors(more);
  }

  /** Returns these tensors without that of this name, and without the group of this name. */
  public NamedTensors without(String name) {
    TreeMap<String, Entry> fewer = new TreeMap<>(entries);
    fewer.keySet().removeIf(key -> key.equals(name) || key.startsWith(name + "/"));
    return new NamedTensors(fewer);
  }

  /** Returns whether there is a tensor or a group of this name. */
  public boolean has(String name) {
    String member = entries.ceilingKey(name + "/");
    return entries.containsKey(name) || (member != null && member.startsWith(name + "/"));
  }

  /**
   * Returns a read-only view of a tensor's values.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public FloatBuffer tensor(String name) {
    return require(name).values().duplicate();
  }

  private Entry require(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "tensor: " + name + " (expected: one of " + entries.keySet() + ")");
    }
    return entry;
  }

  /**
   * Returns a group as a delta.
   *
   * @throws IllegalArgumentException naming the first tensor that is missing or differs
   */
  public AdapterDelta delta(String group, AdapterLayout layout) {
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec spec : layout.tensors()) {
      Entry entry = require(group + "/" + spec.name());
      if (!entry.spec().shape().equals(spec.shape())) {
        throw new IllegalArgumentException(
            entry.spec().name()
                + ": shape "
                + entry.spec().shape()
                + " (expected: "
                + spec.shape()
                + ")");
      }
      values.add(entry.values());
    }
    return AdapterDelta.of(layout, values);
  }

  /** Returns a group as a change, or zeros if there is none. */
  public AdapterDelta deltaOrZero(String group, AdapterLayout layout) {
    return has(group) ? delta(group, layout) : AdapterDelta.zero(layout);
  }

  /** Returns the tensors' names and shapes, sorted by name. */
  public List<TensorSpec> specs() {
    return entries.values().stream().map(Entry::spec).toList();
  }

  /** Returns whether there are none. */
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /**
   * Checks that every value is a number.
   *
   * @throws IllegalArgumentException naming the first tensor, index and value that is not finite
   */
  public void requireFinite() {
    entries.values().forEach(entry -> Finite.require(entry.spec().name(), entry.values()));
  }
}
