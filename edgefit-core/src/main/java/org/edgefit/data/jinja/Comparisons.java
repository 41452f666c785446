package org.edgefit.data.jinja;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.Undefined;
import org.edgefit.data.jinja.Values.View;

/** Python's comparisons of values: {@code ==}, the order, and {@code in}. */
final class Comparisons {

  private Comparisons() {}

  static boolean isEqual(Object a, Object b) {
    if (Values.isNumber(a) && Values.isNumber(b)) {
      return (a instanceof Double || b instanceof Double)
          ? compareNumbers(a, b) == 0
              && !Double.isNaN(Values.real(a))
              && !Double.isNaN(Values.real(b))
          : Values.integer(a) == Values.integer(b);
    } else if (a instanceof List<?> x && b instanceof List<?> y) {
      if (x.size() != y.size() || x instanceof Tuple != y instanceof Tuple) {
        return false;
      }
      for (int i = 0; i < x.size(); i++) {
        if (!isEqual(x.get(i), y.get(i))) {
          return false;
        }
      }
      return true;
    } else if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      return x.size() == y.size()
          && x.entrySet().stream()
              .allMatch(
                  entry ->
                      y.containsKey(entry.getKey())
                          && isEqual(entry.getValue(), y.get(entry.getKey())));
    } else if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    } else if (a instanceof View || b instanceof View) {
      throw new Fault(
          "a comparison of " + Values.type(a) + " and " + Values.type(b) + " is not supported");
    }
    return (a instanceof String || a == None.NONE) ? a.equals(b) : a == b;
  }

  private static int compareNumbers(Object a, Object b) {
    if (a instanceof Double x && b instanceof Double y) {
      return x < y ? -1 : x > y ? 1 : 0;
    } else if (a instanceof Double || b instanceof Double) {
      double x = Values.real(a);
      double y = Values.real(b);
      if (!Double.isFinite(x) || !Double.isFinite(y)) {
        return x < y ? -1 : x > y ? 1 : 0;
      }
      return exact(a).compareTo(exact(b));
    }
    return Long.compare(Values.integer(a), Values.integer(b));
  }

  private static BigDecimal exact(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number)
        : BigDecimal.valueOf(Values.integer(value));
  }

  /** Returns less than 0, 0 or more than 0 for values that have an order. */
  static int compare(Object a, Object b) {
    if (a instanceof String x && b instanceof String y) {
      int[] left = x.codePoints().toArray();
      int[] right = y.codePoints().toArray();
      return Arrays.compare(left, right);
    } else if (Values.isNumber(a) && Values.isNumber(b)) {
      if (Double.isNaN(Values.real(a)) || Double.isNaN(Values.real(b))) {
        throw new Fault("a comparison with nan is not supported");
      }
      return compareNumbers(a, b);
    } else if (a instanceof List<?> x && b instanceof List<?> y) {
      if (x instanceof Tuple == y instanceof Tuple) {
        for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
          if (!isEqual(x.get(i), y.get(i))) {
            return compare(x.get(i), y.get(i));
          }
        }
        return Integer.compare(x.size(), y.size());
      }
    }
    throw Values.unfit("<", a, b);
  }

  static boolean contains(Object container, Object item) {
    if (container instanceof String text) {
      if (item instanceof String part) {
        return text.contains(part);
      }
      throw new Fault("\"in\" a str: a " + Values.type(item) + " (expected: a str)");
    } else if (container instanceof Map<?, ?> map) {
      return map.containsKey(Values.key(item));
    }
    for (Iterator<Object> items = Values.iterate(container); items.hasNext(); ) {
      if (isEqual(items.next(), item)) {
        return true;
      }
    }
    return false;
  }
}
