package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Generated;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/** The filters of what a loop can go through. */
final class SequenceFilters {

  private SequenceFilters() {}

  /** Returns a value that Python can go through from its end. */
  static Object reversible(Object value) {
    if (value instanceof Generated || value instanceof Undefined) {
      throw new Fault("a " + Values.type(value) + " is not reversible");
    }
    return value;
  }

  static Object reverse(Object value) {
    List<Object> items = new ArrayList<>();
    for (Object item : Values.list(value)) {
      items.add(0, item);
    }
    return value instanceof String
        ? String.join("", items.stream().map(Values::string).toList())
        : value instanceof Generated
            ? items
            : new Generated("list_reverseiterator", items.iterator());
  }

  static Object join(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("join", 0, "d", "attribute");
    UnaryOperator<Object> attribute = attribute(given.get("attribute"), null);
    String separator = Values.string(given.getOrDefault("d", ""));
    StringBuilder text = new StringBuilder();
    for (Iterator<Object> items = Values.iterate(value); items.hasNext(); ) {
      text.append(Values.string(attribute.apply(items.next())));
      text.append(items.hasNext() ? separator : "");
      Strings.limit(text.length());
    }
    return text.toString();
  }

  static Object items(Object value) {
    if (value instanceof Undefined) {
      return new Generated("generator", List.of().iterator());
    } else if (value instanceof Map<?, ?> map) {
      return new Generated("generator", Methods.pairs(map).iterator());
    }
    throw new Fault("items of a " + Values.type(value) + " (expected: a dict)");
  }

  /** Returns what reads a path of attributes, each as an item is read; null reads the value. */
  private static UnaryOperator<Object> attribute(
      @Nullable Object path, @Nullable Object whereMissing) {
    if (path == null || path == None.NONE) {
      return item -> item;
    }
    List<Object> parts = new ArrayList<>();
    if (path instanceof String text) {
      for (Object part : Strings.split(text, ".", -1, false)) {
        String name = (String) part;
        parts.add(name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : name);
      }
    } else {
      parts.add(path);
    }
    return item -> {
      Object found = item;
      for (Object part : parts) {
        found = Items.item(found, part);
        if (found instanceof Undefined && whereMissing != null && whereMissing != None.NONE) {
          found = whereMissing;
        }
      }
      return found;
    };
  }

  private static UnaryOperator<Object> sortKey(Map<String, Object> given) {
    Object path = given.get("attribute");
    if (path instanceof String text && text.contains(",")) {
      throw new Fault("a list of attributes is not supported");
    }
    UnaryOperator<Object> attribute = attribute(path, null);
    boolean isExact = Values.isTrue(given.getOrDefault("case_sensitive", false));
    return item -> folded(attribute.apply(item), isExact);
  }

  private static Object folded(Object value, boolean isExact) {
    return value instanceof String text && !isExact ? Strings.lower(text) : value;
  }

  static Object sort(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
    Comparator<Object> order = Comparator.comparing(sortKey(given), Comparisons::compare);
    List<Object> sorted = Values.list(value);
    sorted.sort(Values.isTrue(given.getOrDefault("reverse", false)) ? order.reversed() : order);
    return sorted;
  }

  static Object sortedPairs(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw new Fault("dictsort of a " + Values.type(value) + " (expected: a dict)");
    }
    Object by = given.getOrDefault("by", "key");
    if (!by.equals("key") && !by.equals("value")) {
      throw new Fault("dictsort: by " + Values.string(by) + " (expected: key or value)");
    }
    long place = by.equals("key") ? 0 : 1;
    boolean isExact = Values.isTrue(given.getOrDefault("case_sensitive", false));
    Comparator<Object> order =
        Comparator.comparing(
            pair -> folded(Items.item(pair, place), isExact), Comparisons::compare);
    List<Object> pairs = Methods.pairs(map);
    pairs.sort(Values.isTrue(given.getOrDefault("reverse", false)) ? order.reversed() : order);
    return pairs;
  }

  static Object unique(Object value, Arguments arguments) {
    UnaryOperator<Object> key = sortKey(arguments.bind("unique", 0, "case_sensitive", "attribute"));
    Map<Object, Object> seen = new LinkedHashMap<>();
    Values.iterate(value)
        .forEachRemaining(item -> seen.putIfAbsent(Values.key(key.apply(item)), item));
    return new Generated("generator", new ArrayList<>(seen.values()).iterator());
  }

  static Object extreme(String name, Object value, Arguments arguments, int sign) {
    UnaryOperator<Object> key = sortKey(arguments.bind(name, 0, "case_sensitive", "attribute"));
    Iterator<Object> items = Values.iterate(value);
    if (!items.hasNext()) {
      return new Undefined("the " + name + " of nothing");
    }
    Object best = items.next();
    while (items.hasNext()) {
      Object item = items.next();
      if (Comparisons.compare(key.apply(item), key.apply(best)) * sign > 0) {
        best = item;
      }
    }
    return best;
  }

  static Object sum(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("sum", 0, "attribute", "start");
    UnaryOperator<Object> attribute = attribute(given.get("attribute"), null);
    Object sum = given.getOrDefault("start", 0L);
    if (sum instanceof String) {
      throw new Fault("sum: a str to start from");
    }
    for (Iterator<Object> items = Values.iterate(value); items.hasNext(); ) {
      sum = Arithmetic.arithmetic("+", sum, attribute.apply(items.next()));
    }
    return sum;
  }

  static Object map(Object value, Arguments arguments) {
    UnaryOperator<Object> each;
    if (arguments.positional().isEmpty()) {
      Map<String, Object> given = arguments.bind("map", 0, "attribute", "default");
      if (!given.containsKey("attribute")) {
        throw new Fault("map: argument attribute, or a filter's name, is missing");
      }
      each = attribute(given.get("attribute"), given.get("default"));
    } else {
      String name = Methods.str(arguments.positional().get(0), "map");
      Filters.Filter filter = Filters.named(name);
      if (filter == null) {
        throw new Fault("filter \"" + name + "\" is not supported");
      }
      each = item -> filter.apply(item, arguments.rest());
    }
    List<Object> mapped = new ArrayList<>();
    Values.iterate(value).forEachRemaining(item -> mapped.add(each.apply(item)));
    return new Generated("generator", mapped.iterator());
  }

  static Object choose(
      String name, Object value, Arguments arguments, boolean wanted, boolean byAttribute) {
    Arguments rest = arguments;
    UnaryOperator<Object> attribute = item -> item;
    if (byAttribute) {
      if (arguments.positional().isEmpty()) {
        throw new Fault(name + ": argument attribute is missing");
      }
      attribute = attribute(arguments.positional().get(0), null);
      rest = arguments.rest();
    }
    Tests.Test test = (item, none) -> Values.isTrue(item);
    if (!rest.positional().isEmpty()) {
      String asked = Methods.str(rest.positional().get(0), name);
      Tests.Test found = Tests.named(asked);
      if (found == null) {
        throw new Fault("test \"" + asked + "\" is not supported");
      }
      test = found;
      rest = rest.rest();
    }
    List<Object> chosen = new ArrayList<>();
    for (Iterator<Object> items = Values.iterate(value); items.hasNext(); ) {
      Object item = items.next();
      if (test.holds(attribute.apply(item), rest) == wanted) {
        chosen.add(item);
      }
    }
    return new Generated("generator", chosen.iterator());
  }
}
