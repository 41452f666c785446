package org.edgefit.data.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/** The names that are known at a place: its own, then those about it. */
final class Scope {

  /** The most turns of loops and calls of macros of one text, so that none runs for ever. */
  private static final int MOST_STEPS = 1_000_000;

  private final @Nullable Scope parent;
  private final Scope root;
  private final Map<String, Object> names;
  private final Set<String> own;
  private int steps;

  /** Makes the outermost scope. */
  Scope(Map<String, Object> names) {
    this.parent = null;
    this.root = this;
    this.names = new HashMap<>(names);
    this.own = Set.of();
  }

  private Scope(Scope parent, Set<String> own) {
    this.parent = parent;
    this.root = parent.root;
    this.names = new HashMap<>();
    this.own = own;
  }

  /** Returns a scope within this one, with the names that are its own; see {@link Frames}. */
  Scope inner(Set<String> ownNames) {
    return new Scope(this, ownNames);
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.parent) {
      Object value = scope.names.get(name);
      if (value != null) {
        return value;
      }
      if (scope.own.contains(name)) {
        break;
      }
    }
    return new Undefined("\"" + name + "\"");
  }

  void set(String name, Object value) {
    names.put(name, value);
  }

  /** Counts a turn of a loop or a call. */
  void step() {
    if (++root.steps > MOST_STEPS) {
      throw new Fault("more than " + MOST_STEPS + " loop and call steps");
    }
  }
}
