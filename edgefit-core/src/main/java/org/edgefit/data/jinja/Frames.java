package org.edgefit.data.jinja;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Which names a scope gives a value, as they are read from the template. A name that a scope sets,
 * and does not read before, is the scope's own from its start: what is within the scope does not
 * see a value of that name from further out, even before it is set.
 */
final class Frames {

  /** A scope: the names that are its own, and those that it read or set under a condition first. */
  private record Frame(Set<String> own, Set<String> others) {}

  private final Deque<Frame> frames = new ArrayDeque<>();
  private int conditions;

  Frames() {
    push();
  }

  /** Begins a scope, and returns the names that are its own, which grow as it is read. */
  Set<String> push() {
    frames.push(new Frame(new HashSet<>(), new HashSet<>()));
    return frames.element().own();
  }

  void pop() {
    frames.pop();
  }

  /** Returns the names that are the present scope's own. */
  Set<String> own() {
    return frames.element().own();
  }

  /** Begins or ends what runs under a condition. */
  int conditions(int now) {
    int before = conditions;
    conditions = now;
    return before;
  }

  int conditions() {
    return conditions;
  }

  void read(String name) {
    Frame frame = frames.element();
    if (!frame.own().contains(name)) {
      frame.others().add(name);
    }
  }

  void set(String name) {
    Frame frame = frames.element();
    if (!frame.others().contains(name)) {
      (conditions == 0 ? frame.own() : frame.others()).add(name);
    }
  }
}
