package org.edgefit.data.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.data.jinja.Place.Fault;

/** What a function, filter or test is called with. */
record Arguments(List<Object> positional, Map<String, Object> named) {

  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** Returns the arguments that have no name, of which there must be so many. */
  List<Object> positional(String function, int fewest, int most) {
    if (!named.isEmpty()) {
      throw new Fault(function + ": argument " + named.keySet().iterator().next() + " by name");
    }
    if (positional.size() < fewest || positional.size() > most) {
      String expected = fewest == most ? "" + most : fewest + " to " + most;
      throw new Fault(
          function + ": " + positional.size() + " arguments (expected: " + expected + ")");
    }
    return positional;
  }

  /** Returns the arguments by the names that they have in order, of which the first must be. */
  Map<String, Object> bind(String function, int fewest, String... names) {
    Map<String, Object> bound = new LinkedHashMap<>();
    if (positional.size() > names.length) {
      throw new Fault(
          function
              + ": "
              + positional.size()
              + " arguments (expected: at most "
              + names.length
              + ")");
    }
    for (int i = 0; i < positional.size(); i++) {
      bound.put(names[i], positional.get(i));
    }
    named.forEach(
        (name, value) -> {
          if (!List.of(names).contains(name) || bound.put(name, value) != null) {
            throw new Fault(function + ": argument " + name + " is unknown, or given twice");
          }
        });
    for (int i = 0; i < fewest; i++) {
      if (!bound.containsKey(names[i])) {
        throw new Fault(function + ": argument " + names[i] + " is missing");
      }
    }
    return bound;
  }

  /** Returns these arguments without the first of those that have no name. */
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), named);
  }
}
