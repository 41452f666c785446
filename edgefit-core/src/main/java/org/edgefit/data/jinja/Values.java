package org.edgefit.data.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.AbstractList;
import java.util.ArrayList;
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

  static List<Object> copy(Iterable<?> values) {
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

  static boolean isKey(Object value) {
    return value instanceof String || value instanceof Long || value == None.NONE;
  }

  /** Returns that values do not have an operator. */
  static Fault unfit(String operator, Object a, Object b) {
    if (a instanceof Undefined undefined) {
      return undefined.fault();
    } else if (b instanceof Undefined undefined) {
      return undefined.fault();
    }
    return new Fault("\"" + operator + "\" between " + type(a) + " and " + type(b));
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
