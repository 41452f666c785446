package org.edgefit.data.jinja;

import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Tuple;
import org.jspecify.annotations.Nullable;

/** Texts that are made of values: JSON, and the two forms of format strings. */
final class Formats {

  private Formats() {}

  /** Formats as the operator {@code %} does, with {@code %s}, {@code %r}, {@code %d}. */
  static String percent(String format, Object value) {
    Iterator<Object> values =
        value instanceof Tuple tuple ? tuple.iterator() : List.of(value).iterator();
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c != '%') {
        text.append(c);
        continue;
      }
      char form = at < format.length() ? format.charAt(at++) : ' ';
      if (form == '%') {
        text.append('%');
        continue;
      }
      if ("srdi".indexOf(form) < 0) {
        throw new Fault("the format \"%" + form + "\" is not supported");
      }
      if (!values.hasNext()) {
        throw new Fault("a format with more places than values");
      }
      Object next = values.next();
      text.append(
          form == 's'
              ? Values.string(next)
              : form == 'r' ? Values.repr(next) : "" + Values.integer(next));
    }
    if (values.hasNext() && !(value instanceof Map)) {
      throw new Fault("a format with more values than places");
    }
    return text.toString();
  }

  /** Formats as a string's method does, with the fields {@code {}}, {@code {0}}, {@code {name}}. */
  static String braces(String format, Arguments arguments) {
    StringBuilder text = new StringBuilder();
    int next = 0;
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c != '{' && c != '}') {
        text.append(c);
      } else if (at < format.length() && format.charAt(at) == c) {
        text.append(c);
        at++;
      } else {
        int end = format.indexOf('}', at);
        String field = c == '{' && end >= 0 ? format.substring(at, end) : "!";
        if (!field.matches("[A-Za-z0-9_]*")) {
          throw new Fault("format: a field of this form is not supported");
        }
        boolean isPlace = field.isEmpty() || Character.isDigit(field.charAt(0));
        Object value =
            isPlace
                ? place(arguments, field.isEmpty() ? "" + next++ : field)
                : arguments.named().get(field);
        if (value == null) {
          throw new Fault("format: no argument " + field);
        }
        text.append(Values.string(value));
        at = end + 1;
      }
    }
    return text.toString();
  }

  private static @Nullable Object place(Arguments arguments, String field) {
    List<Object> given = arguments.positional();
    int place = field.matches("[0-9]{1,4}") ? Integer.parseInt(field) : Integer.MAX_VALUE;
    return place < given.size() ? given.get(place) : null;
  }

  /** Writes JSON as Python does, non-ASCII characters as they are. */
  static String json(Object value, Map<String, Object> options) {
    Object indent = options.getOrDefault("indent", None.NONE);
    Object ascii = options.getOrDefault("ensure_ascii", false);
    Object separators = options.getOrDefault("separators", None.NONE);
    String item = indent == None.NONE ? ", " : ",";
    String key = ": ";
    if (separators instanceof List<?> pair && pair.size() == 2) {
      item = Methods.str(pair.get(0), "tojson");
      key = Methods.str(pair.get(1), "tojson");
    } else if (separators != None.NONE) {
      throw new Fault("tojson: separators (expected: a pair)");
    }
    String margin =
        indent == None.NONE
            ? null
            : indent instanceof String text ? text : Strings.repeat(" ", Values.integer(indent));
    boolean isSorted = Values.isTrue(options.getOrDefault("sort_keys", false));
    StringBuilder json = new StringBuilder();
    new JsonText(json, Values.isTrue(ascii), item, key, margin, isSorted).write(value, 0);
    return json.toString();
  }

  private record JsonText(
      StringBuilder json,
      boolean ascii,
      String item,
      String key,
      @Nullable String margin,
      boolean sorted) {

    void write(Object value, int depth) {
      Strings.limit(json.length());
      if (value instanceof String text) {
        string(text);
      } else if (value instanceof Boolean || value == None.NONE) {
        json.append(value == None.NONE ? "null" : value.toString());
      } else if (value instanceof Double number && !Double.isFinite(number)) {
        json.append(number.isNaN() ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
      } else if (Values.isNumber(value)) {
        json.append(Values.repr(value));
      } else if (value instanceof List<?> list) {
        json.append('[');
        String separator = "";
        for (Object one : list) {
          json.append(separator);
          line(depth + 1);
          write(one, depth + 1);
          separator = item;
        }
        close(list.isEmpty(), depth, ']');
      } else if (value instanceof Map<?, ?> map) {
        map(map, depth);
      } else {
        throw new Fault("tojson: a " + Values.type(value) + " is not JSON");
      }
    }

    private void map(Map<?, ?> map, int depth) {
      Map<Object, Object> entries = new LinkedHashMap<>(map);
      if (sorted) {
        Map<Object, Object> inOrder = new TreeMap<>(Comparisons::compare);
        inOrder.putAll(entries);
        entries = inOrder;
      }
      json.append('{');
      String separator = "";
      for (Map.Entry<Object, Object> entry : entries.entrySet()) {
        json.append(separator);
        line(depth + 1);
        Object name = entry.getKey();
        string(name == None.NONE ? "null" : Values.string(name));
        json.append(key);
        write(entry.getValue(), depth + 1);
        separator = item;
      }
      close(map.isEmpty(), depth, '}');
    }

    private void close(boolean isEmpty, int depth, char bracket) {
      if (!isEmpty) {
        line(depth);
      }
      json.append(bracket);
    }

    private void line(int depth) {
      if (margin != null) {
        json.append('\n').append(String.join("", Collections.nCopies(depth, margin)));
      }
    }

    private void string(String text) {
      json.append('"');
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        int known = "\"\\\n\r\t\b\f".indexOf(c);
        if (known >= 0) {
          json.append('\\').append("\"\\nrtbf".charAt(known));
        } else if (c < 0x20 || (ascii && c > 0x7e)) {
          json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
        } else {
          json.append(c);
        }
      }
      json.append('"');
    }
  }
}
