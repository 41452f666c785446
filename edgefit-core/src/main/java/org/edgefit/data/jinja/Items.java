package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Attributes;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.Undefined;
import org.edgefit.data.jinja.Values.View;

/** What is in a value: its attributes, items and slices. */
final class Items {

  private Items() {}

  /** Returns {@code value[key]}; undefined if it is not there. */
  static Object item(Object value, Object key) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (value instanceof Map<?, ?> map) {
      Object found = Values.isKey(key) ? map.get(key) : null;
      if (found != null) {
        return found;
      }
    } else if ((key instanceof Long || key instanceof Boolean)
        && (value instanceof List || value instanceof String)) {
      long length = Values.length(value);
      long index = Values.integer(key) < 0 ? Values.integer(key) + length : Values.integer(key);
      if (index < 0 || index >= length) {
        return new Undefined("item " + Values.integer(key) + " of " + length);
      }
      return value instanceof List<?> list ? list.get((int) index) : character(value, index);
    }
    if (value instanceof Attributes attributes && key instanceof String name) {
      Object found = attributes.attribute(name);
      return found != null ? found : new Undefined("\"" + name + "\" of a " + Values.type(value));
    } else if (value instanceof View view) {
      throw new Fault("an item of a " + view.name() + " is not supported");
    }
    if (key instanceof String name) {
      Object method = Methods.of(value, name);
      return method != null ? method : new Undefined("\"" + name + "\" of a " + Values.type(value));
    }
    return new Undefined(
        "item "
            + (Values.isKey(key) ? Values.repr(key) : Values.type(key))
            + " of a "
            + Values.type(value));
  }

  private static String character(Object text, long index) {
    String string = (String) text;
    int from = string.offsetByCodePoints(0, (int) index);
    return Character.toString(string.codePointAt(from));
  }

  /** Returns {@code value.name}: a method first, then a key; undefined if there is neither. */
  static Object attribute(Object value, String name) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (value instanceof Attributes attributes) {
      Object found = attributes.attribute(name);
      return found != null ? found : new Undefined("\"" + name + "\" of a " + Values.type(value));
    }
    Object method = Methods.of(value, name);
    if (method != null) {
      return method;
    }
    Object found = value instanceof Map<?, ?> map ? map.get(name) : null;
    return found != null ? found : new Undefined("\"" + name + "\" of a " + Values.type(value));
  }

  /** Returns {@code value[from:to:step]}, in which None is left out. */
  static Object slice(Object value, Object from, Object to, Object step) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (!(value instanceof String || value instanceof List)) {
      throw new Fault("a slice of a " + Values.type(value));
    }
    List<Object> items = Values.list(value);
    int length = items.size();
    long by = step == None.NONE ? 1 : Values.integer(step);
    if (by == 0) {
      throw new Fault("a slice with step 0");
    }
    by = Math.max(-length - 1L, Math.min(by, length + 1L));
    long start = bound(from, by > 0 ? 0 : length - 1, length, by);
    long end = bound(to, by > 0 ? length : -1, length, by);
    List<Object> chosen = new ArrayList<>();
    for (long i = start; by > 0 ? i < end : i > end; i += by) {
      chosen.add(items.get((int) i));
    }
    if (value instanceof String) {
      StringBuilder text = new StringBuilder();
      chosen.forEach(text::append);
      return text.toString();
    }
    return value instanceof Tuple ? new Tuple(chosen) : chosen;
  }

  private static long bound(Object value, long open, int length, long by) {
    if (value == None.NONE) {
      return open;
    }
    long index = Math.max(-length - 1L, Math.min(Values.integer(value), length + 1L));
    long placed = index < 0 ? index + length : index;
    return by > 0
        ? Math.max(0, Math.min(placed, length))
        : Math.max(-1, Math.min(placed, length - 1L));
  }
}
