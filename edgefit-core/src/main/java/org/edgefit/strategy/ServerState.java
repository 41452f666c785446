package org.edgefit.strategy;

import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.Config;

/**
 * A strategy's state across rounds: the global adapter, named tensors (momentum, control variates)
 * and named values. A run saves it with each round and resumes from it, so a strategy without other
 * state resumes bit-identically. Immutable.
 *
 * @param adapter the global adapter
 * @param tensors what is kept in tensors
 * @param values what is kept in values
 */
public record ServerState(Adapter adapter, NamedTensors tensors, Config values) {

  /** Returns the state of a strategy that keeps nothing beside the adapter. */
  public static ServerState of(Adapter adapter) {
    return new ServerState(adapter, NamedTensors.none(), Config.none());
  }

  /** Returns this state with another adapter. */
  public ServerState with(Adapter newAdapter) {
    return new ServerState(newAdapter, tensors, values);
  }

  /** Returns this state with the adapter changed by {@code delta}. */
  public ServerState plus(AdapterDelta delta) {
    return with(adapter.plus(delta));
  }

  /** Returns this state with the adapter changed by {@code factor} times a change. */
  public ServerState plus(AdapterDelta delta, double factor) {
    return with(adapter.plus(delta, factor));
  }

  /**
   * Returns this state with a group of tensors in the adapter's layout, or another in its place.
   */
  public ServerState with(String group, AdapterDelta kept) {
    return new ServerState(adapter, tensors.with(group, kept), values);
  }

  /** Returns a tensor group in the adapter's layout, or zeros if it is not set. */
  public AdapterDelta kept(String group) {
    return tensors.deltaOrZero(group, adapter.layout());
  }

  /** Returns this state with a named value, or another in its place; see {@link Config}. */
  public ServerState with(String name, Object value) {
    return new ServerState(adapter, tensors, values.with(name, value));
  }
}
