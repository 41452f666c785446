package org.edgefit.data.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.data.jinja.Place.Fault;
import org.jspecify.annotations.Nullable;

/**
 * Python's values: {@link String}, {@link Long}, {@link Double}, {@link Boolean}, {@link List},
 * {@link Map} and those that are declared here; and what Python does with them.
 */
final class Values {

  /** Python's {@code None}. */
  enum None {
    NONE
  }

  /**
   * A name, key or attribute that is not there. It is empty and false, and cannot be used further.
   *
   * @param what what is not there
   */
  record Undefined(String what) {
    Fault fault() {
      return new Fault(what + " is undefined");
    }
  }

  /** A list that does not change, and is not equal to one that could. */
  static final class Tuple extends AbstractList<Object> {
    private final List<Object> items;

    Tuple(List<Object> items) {
      this.items = List.copyOf(items);
    }

    @Override
    public Object get(int index) {
      return items.get(index);
    }

    @Override
    public int size() {
      return items.size();
    }
  }

  /** The keys, values or pairs of a mapping: it has a length, and no places. */
  record View(String name, List<Object> items) {}

  /** What is made as it is read, once: it has no length, and is true. */
  record Generated(String name, Iterator<Object> items) {}

  /** What has attributes, and nothing else. */
  interface Attributes {
    /** Returns an attribute; null if there is none. */
    @Nullable Object attribute(String name);
  }

  /** What {@code namespace()} makes: attributes that a template may set from any place. */
  record Namespace(Map<String, Object> attributes) implements Attributes {
    @Override
    public @Nullable Object attribute(String name) {
      return attributes.get(name);
    }
  }

  /** What can be called. */
  @FunctionalInterface
  interface Callable {
    Object call(Arguments arguments);
  }

  private Values() {}

  /** Returns what a type is called in Python. */
  static String type(Object value) {
    if (value instanceof String) {
      return "str";
    } else if (value instanceof Long) {
      return "int";
    } else if (value instanceof Double) {
      return "float";
    } else if (value instanceof Boolean) {
      return "bool";
    } else if (value instanceof Tuple) {
      return "tuple";
    } else if (value instanceof List) {
      return "list";
    } else if (value instanceof Map) {
      return "dict";
    } else if (value instanceof View view) {
      return view.name();
    } else if (value instanceof Generated generated) {
      return generated.name();
    } else if (value instanceof Attributes) {
      return value instanceof Namespace ? "namespace" : "loop";
    } else if (value instanceof Undefined) {
      return "undefined";
    }
    return value == None.NONE ? "None" : "function";
  }

  static boolean isTrue(Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    } else if (value instanceof String text) {
      return !text.isEmpty();
    } else if (value instanceof Long number) {
      return number != 0;
    } else if (value instanceof Double number) {
      return number != 0;
    } else if (value instanceof List<?> list) {
      return !list.isEmpty();
    } else if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    } else if (value instanceof View view) {
      return !view.items().isEmpty();
    }
    return value != None.NONE && !(value instanceof Undefined);
  }

  /** Returns what {@code str()} does. */
  static String string(Object value) {
    if (value instanceof String text) {
      return text;
    }
    return value instanceof Undefined ? "" : repr(value);
  }

  static String repr(Object value) {
    if (value instanceof String text) {
      return Strings.repr(text);
    } else if (value instanceof Long) {
      return value.toString();
    } else if (value instanceof Double number) {
      return decimal(number);
    } else if (value instanceof Boolean truth) {
      return truth ? "True" : "False";
    } else if (value == None.NONE) {
      return "None";
    } else if (value instanceof Undefined) {
      return "Undefined";
    } else if (value instanceof List<?> list) {
      StringBuilder text = new StringBuilder(list instanceof Tuple ? "(" : "[");
      String separator = "";
      for (Object item : list) {
        text.append(separator).append(repr(item));
        separator = ", ";
        Strings.limit(text.length());
      }
      boolean isSingle = list instanceof Tuple && list.size() == 1;
      return text.append(isSingle ? ",)" : list instanceof Tuple ? ")" : "]").toString();
    } else if (value instanceof Map<?, ?> map) {
      StringBuilder text = new StringBuilder("{");
      String separator = "";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        text.append(separator).append(repr(entry.getKey())).append(": ");
        text.append(repr(entry.getValue()));
        separator = ", ";
        Strings.limit(text.length());
      }
      return text.append('}').toString();
    } else if (value instanceof View view && view.name().startsWith("dict")) {
      return view.name() + "(" + repr(view.items()) + ")";
    }
    throw new Fault("a " + type(value) + " has no text that is known here");
  }

  /** Returns the shortest text that is read as the same number, in Python's form. */
  private static String decimal(double number) {
    if (!Double.isFinite(number)) {
      return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
    }
    if (number == 0) {
      return 1 / number > 0 ? "0.0" : "-0.0";
    }
    BigDecimal exact = new BigDecimal(number);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits));
      if (shortest.doubleValue() == number) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = shortest.unscaledValue().abs().toString();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    String power = (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    return (number < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+") + power;
  }

  /** Returns what a loop goes through. */
  static Iterator<Object> iterate(Object value) {
    if (value instanceof String text) {
      return characters(text).iterator();
    } else if (value instanceof List<?> list) {
      return copy(list).iterator();
    } else if (value instanceof Map<?, ?> map) {
      return copy(map.keySet()).iterator();
    } else if (value instanceof View view) {
      return view.items().iterator();
    } else if (value instanceof Generated generated) {
      return generated.items();
    } else if (value instanceof Undefined) {
      return List.of().iterator();
    }
    throw new Fault("a " + type(value) + " cannot be iterated");
  }

  static List<Object> list(Object value) {
    List<Object> items = new ArrayList<>();
    iterate(value).forEachRemaining(items::add);
    return items;
  }

  private static List<Object> copy(Iterable<?> values) {
    List<Object> copy = new ArrayList<>();
    values.forEach(copy::add);
    return copy;
  }

  private static List<Object> characters(String text) {
    List<Object> characters = new ArrayList<>();
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  static long length(Object value) {
    if (value instanceof String text) {
      return Strings.length(text);
    } else if (value instanceof List<?> list) {
      return list.size();
    } else if (value instanceof Map<?, ?> map) {
      return map.size();
    } else if (value instanceof View view) {
      return view.items().size();
    } else if (value instanceof Undefined) {
      return 0;
    }
    throw new Fault("a " + type(value) + " has no length");
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** Returns an integer, which a boolean is too. */
  static long integer(Object value) {
    if (value instanceof Long number) {
      return number;
    } else if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    throw new Fault("a " + type(value) + " where an integer is expected");
  }

  static double real(Object value) {
    return value instanceof Double number ? number : integer(value);
  }

  static boolean isEqual(Object a, Object b) {
    if (isNumber(a) && isNumber(b)) {
      return (a instanceof Double || b instanceof Double)
          ? compareNumbers(a, b) == 0 && !Double.isNaN(real(a)) && !Double.isNaN(real(b))
          : integer(a) == integer(b);
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
      throw new Fault("a comparison of " + type(a) + " and " + type(b) + " is not supported");
    }
    return (a instanceof String || a == None.NONE) ? a.equals(b) : a == b;
  }

  private static int compareNumbers(Object a, Object b) {
    if (a instanceof Double x && b instanceof Double y) {
      return x < y ? -1 : x > y ? 1 : 0;
    } else if (a instanceof Double || b instanceof Double) {
      double x = real(a);
      double y = real(b);
      if (!Double.isFinite(x) || !Double.isFinite(y)) {
        return x < y ? -1 : x > y ? 1 : 0;
      }
      return exact(a).compareTo(exact(b));
    }
    return Long.compare(integer(a), integer(b));
  }

  private static BigDecimal exact(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number)
        : BigDecimal.valueOf(integer(value));
  }

  /** Returns less than 0, 0 or more than 0 for values that have an order. */
  static int compare(Object a, Object b) {
    if (a instanceof String x && b instanceof String y) {
      int[] left = x.codePoints().toArray();
      int[] right = y.codePoints().toArray();
      return Arrays.compare(left, right);
    } else if (isNumber(a) && isNumber(b)) {
      if (Double.isNaN(real(a)) || Double.isNaN(real(b))) {
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
    throw unfit("<", a, b);
  }

  static boolean contains(Object container, Object item) {
    if (container instanceof String text) {
      if (item instanceof String part) {
        return text.contains(part);
      }
      throw new Fault("\"in\" a str: a " + type(item) + " (expected: a str)");
    } else if (container instanceof Map<?, ?> map) {
      return map.containsKey(key(item));
    }
    for (Iterator<Object> items = iterate(container); items.hasNext(); ) {
      if (isEqual(items.next(), item)) {
        return true;
      }
    }
    return false;
  }

  /** Returns a value that may be a key. */
  static Object key(Object value) {
    if (value instanceof String || value instanceof Long || value == None.NONE) {
      return value;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    throw new Fault("a key that is a " + type(value) + " is not supported");
  }

  private static Fault unfit(String operator, Object a, Object b) {
    if (a instanceof Undefined undefined) {
      return undefined.fault();
    } else if (b instanceof Undefined undefined) {
      return undefined.fault();
    }
    return new Fault("\"" + operator + "\" between " + type(a) + " and " + type(b));
  }

  /** Returns the result of an operator of arithmetic. */
  static Object arithmetic(String operator, Object a, Object b) {
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? reals(operator, real(a), real(b))
          : integers(operator, integer(a), integer(b));
    }
    if (operator.equals("+")) {
      if (a instanceof String x && b instanceof String y) {
        Strings.limit((long) x.length() + y.length());
        return x + y;
      } else if (a instanceof List<?> x
          && b instanceof List<?> y
          && x instanceof Tuple == y instanceof Tuple) {
        List<Object> all = copy(x);
        all.addAll(y);
        return x instanceof Tuple ? new Tuple(all) : all;
      }
    } else if (operator.equals("*")) {
      if (a instanceof String text && b instanceof Long times) {
        return Strings.repeat(text, times);
      } else if (a instanceof Long times && b instanceof String text) {
        return Strings.repeat(text, times);
      }
    } else if (operator.equals("%") && a instanceof String format) {
      return Formats.percent(format, b);
    }
    throw unfit(operator, a, b);
  }

  private static Object integers(String operator, long a, long b) {
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "//" -> Math.floorDiv(a, divisor(b));
        case "%" -> Math.floorMod(a, divisor(b));
        default -> power(a, b);
      };
    } catch (ArithmeticException e) {
      throw new Fault("an integer of more than 64 bits is not supported");
    }
  }

  private static long divisor(long value) {
    if (value == 0) {
      throw new Fault("a division by zero");
    }
    return value;
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return reals("**", (double) base, (double) exponent);
    }
    long result = 1;
    for (long i = 0; i < exponent && result != 0 && (result != 1 || base != 1); i++) {
      result = Math.multiplyExact(result, base);
      if (base == -1 && i > 1) {
        return exponent % 2 == 0 ? 1L : -1L;
      }
    }
    return result;
  }

  private static Object reals(String operator, double a, double b) {
    if (b == 0
        && !operator.equals("+")
        && !operator.equals("-")
        && !operator.equals("*")
        && !operator.equals("**")) {
      throw new Fault("a division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//", "%" -> {
        double rest = a % b;
        if (rest != 0 && rest < 0 != b < 0) {
          rest += b;
        }
        rest = rest == 0 ? Math.copySign(0, b) : rest;
        double whole = Math.floor((a - rest) / b + 0.5);
        yield operator.equals("%") ? rest : whole == 0 ? Math.copySign(0, a / b) : whole;
      }
      default -> {
        double power = Math.pow(a, b);
        if (!Double.isFinite(power)) {
          throw new Fault("a power that is not a finite number");
        }
        yield power;
      }
    };
  }

  static Object negative(Object value) {
    if (value instanceof Double number) {
      return -number;
    } else if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    return integers("-", 0, integer(value));
  }

  /** Returns {@code value[key]}; undefined if it is not there. */
  static Object item(Object value, Object key) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (value instanceof Map<?, ?> map) {
      Object found = isKey(key) ? map.get(key) : null;
      if (found != null) {
        return found;
      }
    } else if ((key instanceof Long || key instanceof Boolean)
        && (value instanceof List || value instanceof String)) {
      long length = length(value);
      long index = integer(key) < 0 ? integer(key) + length : integer(key);
      if (index < 0 || index >= length) {
        return new Undefined("item " + integer(key) + " of " + length);
      }
      return value instanceof List<?> list ? list.get((int) index) : character(value, index);
    }
    if (value instanceof Attributes attributes && key instanceof String name) {
      Object found = attributes.attribute(name);
      return found != null ? found : new Undefined("\"" + name + "\" of a " + type(value));
    } else if (value instanceof View view) {
      throw new Fault("an item of a " + view.name() + " is not supported");
    }
    if (key instanceof String name) {
      Object method = Methods.of(value, name);
      return method != null ? method : new Undefined("\"" + name + "\" of a " + type(value));
    }
    return new Undefined("item " + (isKey(key) ? repr(key) : type(key)) + " of a " + type(value));
  }

  private static boolean isKey(Object key) {
    return key instanceof String || key instanceof Long || key == None.NONE;
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
      return found != null ? found : new Undefined("\"" + name + "\" of a " + type(value));
    }
    Object method = Methods.of(value, name);
    if (method != null) {
      return method;
    }
    Object found = value instanceof Map<?, ?> map ? map.get(name) : null;
    return found != null ? found : new Undefined("\"" + name + "\" of a " + type(value));
  }

  /** Returns {@code value[from:to:step]}, in which None is left out. */
  static Object slice(Object value, Object from, Object to, Object step) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (!(value instanceof String || value instanceof List)) {
      throw new Fault("a slice of a " + type(value));
    }
    List<Object> items = list(value);
    int length = items.size();
    long by = step == None.NONE ? 1 : integer(step);
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
    long index = Math.max(-length - 1L, Math.min(integer(value), length + 1L));
    long placed = index < 0 ? index + length : index;
    return by > 0
        ? Math.max(0, Math.min(placed, length))
        : Math.max(-1, Math.min(placed, length - 1L));
  }

  /** Returns a value of Java's as one of a template's. */
  static Object of(@Nullable Object value) {
    if (value == null) {
      return None.NONE;
    } else if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, item) -> copy.put(of(key), of(item)));
      return copy;
    } else if (value instanceof List<?> list && !(value instanceof Tuple)) {
      List<Object> copy = new ArrayList<>();
      list.forEach(item -> copy.add(of(item)));
      return copy;
    } else if (value instanceof Integer number) {
      return number.longValue();
    }
    return value;
  }
}
