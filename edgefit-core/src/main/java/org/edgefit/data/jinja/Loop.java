package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Attributes;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/** What a loop tells its body. */
final class Loop implements Attributes {

  private final List<Object> items;
  private int index;
  private @Nullable List<Object> changed;

  /** Makes a loop that has not begun. */
  Loop(List<Object> items) {
    this.items = items;
    this.index = -1;
  }

  /** Goes to the next item, which is there. */
  Object next() {
    index++;
    return items.get(index);
  }

  boolean hasNext() {
    return index + 1 < items.size();
  }

  @Override
  public @Nullable Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> 1L; // it counts recursive loops
      case "depth0" -> 0L;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("loop.previtem");
      case "nextitem" -> hasNext() ? items.get(index + 1) : new Undefined("loop.nextitem");
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> null;
    };
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional("cycle", 0, Integer.MAX_VALUE);
    if (values.isEmpty()) {
      throw new Fault("cycle: no values");
    }
    return values.get(index % values.size());
  }

  private Object changed(Arguments arguments) {
    List<Object> values = new ArrayList<>(arguments.positional("changed", 0, Integer.MAX_VALUE));
    List<Object> last = changed;
    changed = values;
    return last == null || !Comparisons.isEqual(last, values);
  }
}
