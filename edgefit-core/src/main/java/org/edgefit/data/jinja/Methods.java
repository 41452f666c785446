package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Attributes;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.Generated;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.View;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings, lists and mappings. */
final class Methods {

  private static final Set<String> OTHERS_OF_STRINGS =
      Set.of(
          "encode",
          "expandtabs",
          "format_map",
          "isdecimal",
          "isidentifier",
          "isnumeric",
          "isprintable",
          "istitle",
          "maketrans",
          "translate");

  private static final Set<String> CHANGING_LISTS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private static final Set<String> CHANGING_MAPS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Set<String> OTHERS_OF_NUMBERS =
      Set.of(
          "as_integer_ratio",
          "bit_count",
          "bit_length",
          "conjugate",
          "denominator",
          "from_bytes",
          "fromhex",
          "hex",
          "imag",
          "is_integer",
          "numerator",
          "real",
          "to_bytes");

  private Methods() {}

  /** Returns a method of a value; null if it has none of this name. */
  static @Nullable Object of(Object value, String name) {
    if (name.startsWith("__")) {
      throw new Fault("attribute " + name + " of a " + Values.type(value) + " is not supported");
    }
    Callable method = null;
    if (value instanceof String text) {
      method = ofString(text, name);
    } else if (value instanceof List<?> list) {
      method = ofList(list, name);
    } else if (value instanceof Map<?, ?> map) {
      method = ofMap(map, name);
    }
    if (method == null && isPythons(value, name)) {
      throw new Fault(name + " of a " + Values.type(value) + " is not supported");
    }
    return method;
  }

  /** Returns whether Python's value has something of this name that is not supported. */
  private static boolean isPythons(Object value, String name) {
    if (value instanceof String) {
      return OTHERS_OF_STRINGS.contains(name);
    } else if (Values.isNumber(value)) {
      return OTHERS_OF_NUMBERS.contains(name);
    } else if (value instanceof Map) {
      return name.equals("fromkeys");
    }
    return value instanceof View
        || value instanceof Generated
        || (value instanceof Callable && !(value instanceof Attributes));
  }

  private static @Nullable Callable ofList(List<?> list, String name) {
    if (list instanceof Tuple ? false : CHANGING_LISTS.contains(name)) {
      return arguments -> changed("list", name);
    }
    return switch (name) {
      case "index" ->
          arguments -> {
            Object wanted = arguments.positional(name, 1, 1).get(0);
            for (int i = 0; i < list.size(); i++) {
              if (Comparisons.isEqual(list.get(i), wanted)) {
                return (long) i;
              }
            }
            throw new Fault("index: no such item");
          };
      case "count" ->
          arguments -> {
            Object wanted = arguments.positional(name, 1, 1).get(0);
            return list.stream().filter(item -> Comparisons.isEqual(item, wanted)).count();
          };
      case "copy" ->
          list instanceof Tuple
              ? null
              : arguments -> {
                arguments.positional(name, 0, 0);
                return Values.list(list);
              };
      default -> null;
    };
  }

  private static Object changed(String type, String name) {
    throw new Fault(name + ": a " + type + " cannot be changed by a chat template");
  }

  private static @Nullable Callable ofMap(Map<?, ?> map, String name) {
    if (CHANGING_MAPS.contains(name)) {
      return arguments -> changed("dict", name);
    }
    return switch (name) {
      case "get" ->
          arguments -> {
            List<Object> given = arguments.positional(name, 1, 2);
            Object found = map.get(Values.key(given.get(0)));
            return found != null ? found : given.size() > 1 ? given.get(1) : None.NONE;
          };
      case "keys" ->
          arguments -> {
            arguments.positional(name, 0, 0);
            return new View("dict_keys", Values.list(map));
          };
      case "values" ->
          arguments -> {
            arguments.positional(name, 0, 0);
            return new View("dict_values", new ArrayList<>(map.values()));
          };
      case "items" ->
          arguments -> {
            arguments.positional(name, 0, 0);
            return new View("dict_items", pairs(map));
          };
      case "copy" ->
          arguments -> {
            arguments.positional(name, 0, 0);
            return new LinkedHashMap<Object, Object>(map);
          };
      default -> null;
    };
  }

  static List<Object> pairs(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>();
    map.forEach((key, value) -> pairs.add(new Tuple(List.of(key, value))));
    return pairs;
  }

  private static @Nullable Callable ofString(String text, String name) {
    return switch (name) {
      case "strip" -> arguments -> strip(text, arguments, name, true, true);
      case "lstrip" -> arguments -> strip(text, arguments, name, true, false);
      case "rstrip" -> arguments -> strip(text, arguments, name, false, true);
      case "split" -> arguments -> split(text, arguments, name);
      case "rsplit" -> arguments -> split(text, arguments, name);
      case "splitlines" ->
          arguments -> {
            Map<String, Object> given = arguments.bind(name, 0, "keepends");
            return Strings.lines(text, Values.isTrue(given.getOrDefault("keepends", false)));
          };
      case "startswith", "endswith" -> arguments -> starts(text, arguments, name);
      case "replace" ->
          arguments -> {
            List<Object> given = arguments.positional(name, 2, 3);
            long most = given.size() > 2 ? Values.integer(given.get(2)) : -1;
            return Strings.replace(text, str(given.get(0), name), str(given.get(1), name), most);
          };
      case "removeprefix" ->
          arguments -> {
            String part = str(arguments.positional(name, 1, 1).get(0), name);
            return text.startsWith(part) ? text.substring(part.length()) : text;
          };
      case "removesuffix" ->
          arguments -> {
            String part = str(arguments.positional(name, 1, 1).get(0), name);
            return text.endsWith(part) ? text.substring(0, text.length() - part.length()) : text;
          };
      case "join" ->
          arguments -> {
            List<String> parts = new ArrayList<>();
            Values.iterate(arguments.positional(name, 1, 1).get(0))
                .forEachRemaining(item -> parts.add(str(item, name)));
            return String.join(text, parts);
          };
      case "find", "index" -> arguments -> find(text, arguments, name, false);
      case "rfind", "rindex" -> arguments -> find(text, arguments, name, true);
      case "count" ->
          arguments -> Strings.count(text, str(arguments.positional(name, 1, 1).get(0), name));
      case "partition", "rpartition" -> arguments -> partition(text, arguments, name);
      case "format" -> arguments -> Formats.braces(text, arguments);
      case "zfill" ->
          arguments -> {
            long width = Values.integer(arguments.positional(name, 1, 1).get(0));
            boolean isSigned = text.startsWith("-") || text.startsWith("+");
            String zeros = Strings.repeat("0", width - Strings.length(text));
            return isSigned ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
          };
      case "ljust", "rjust", "center" -> arguments -> justify(text, arguments, name);
      case "upper" -> simple(name, Strings.upper(text));
      case "lower" -> simple(name, Strings.lower(text));
      case "casefold" -> simple(name, Strings.lower(Strings.upper(text)));
      case "title" -> simple(name, Strings.title(text));
      case "capitalize" -> simple(name, Strings.capitalize(text));
      case "swapcase" -> simple(name, swapCase(text));
      case "isspace" -> simple(name, Strings.isSpace(text));
      case "isascii" -> simple(name, text.chars().allMatch(c -> c < 128));
      case "isalpha" -> simple(name, all(text, Character::isLetter));
      case "isdigit" -> simple(name, all(text, Character::isDigit));
      case "isalnum" -> simple(name, all(text, Character::isLetterOrDigit));
      case "isupper" ->
          simple(name, !text.equals(Strings.lower(text)) && text.equals(Strings.upper(text)));
      case "islower" ->
          simple(name, !text.equals(Strings.upper(text)) && text.equals(Strings.lower(text)));
      default -> null;
    };
  }

  private static Callable simple(String name, Object result) {
    return arguments -> {
      arguments.positional(name, 0, 0);
      return result;
    };
  }

  private static boolean all(String text, IntPredicate isSuch) {
    return !text.isEmpty() && text.codePoints().allMatch(isSuch);
  }

  private static String swapCase(String text) {
    StringBuilder swapped = new StringBuilder();
    text.codePoints()
        .mapToObj(Character::toString)
        .forEach(
            c -> swapped.append(c.equals(Strings.lower(c)) ? Strings.upper(c) : Strings.lower(c)));
    return swapped.toString();
  }

  /** Returns an argument that must be a string. */
  static String str(Object value, String function) {
    if (value instanceof String text) {
      return text;
    }
    throw new Fault(function + ": a " + Values.type(value) + " (expected: a str)");
  }

  private static String strip(
      String text, Arguments arguments, String name, boolean start, boolean end) {
    List<Object> given = arguments.positional(name, 0, 1);
    boolean isOpen = given.isEmpty() || given.get(0) == None.NONE;
    return Strings.strip(text, isOpen ? null : str(given.get(0), name), start, end);
  }

  private static Object split(String text, Arguments arguments, String name) {
    Map<String, Object> given = arguments.bind(name, 0, "sep", "maxsplit");
    Object separator = given.getOrDefault("sep", None.NONE);
    long most = Values.integer(given.getOrDefault("maxsplit", -1L));
    boolean fromEnd = name.equals("rsplit");
    return separator == None.NONE
        ? Strings.splitAtBlanks(text, most, fromEnd)
        : Strings.split(text, str(separator, name), most, fromEnd);
  }

  private static Object starts(String text, Arguments arguments, String name) {
    Object given = arguments.positional(name, 1, 1).get(0);
    List<Object> parts = given instanceof Tuple tuple ? tuple : List.of(given);
    return parts.stream()
        .map(part -> str(part, name))
        .anyMatch(part -> name.equals("startswith") ? text.startsWith(part) : text.endsWith(part));
  }

  private static Object find(String text, Arguments arguments, String name, boolean last) {
    List<Object> given = arguments.positional(name, 1, 2);
    String wanted = str(given.get(0), name);
    if (given.size() > 1 && last) {
      throw new Fault(name + ": a second argument is not supported");
    }
    long start = given.size() > 1 ? Values.integer(given.get(1)) : 0;
    int length = Strings.length(text);
    long from = start < 0 ? Math.max(0, start + length) : start;
    int at =
        from > length
            ? -1
            : last
                ? text.lastIndexOf(wanted)
                : text.indexOf(wanted, text.offsetByCodePoints(0, (int) from));
    if (at < 0 && name.endsWith("index")) {
      throw new Fault(name + ": no " + Strings.repr(wanted));
    }
    return at < 0 ? -1L : (long) text.codePointCount(0, at);
  }

  private static Object partition(String text, Arguments arguments, String name) {
    String separator = str(arguments.positional(name, 1, 1).get(0), name);
    if (separator.isEmpty()) {
      throw new Fault(name + ": an empty separator");
    }
    boolean isFirst = name.equals("partition");
    int at = isFirst ? text.indexOf(separator) : text.lastIndexOf(separator);
    if (at < 0) {
      return new Tuple(isFirst ? List.of(text, "", "") : List.of("", "", text));
    }
    return new Tuple(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static Object justify(String text, Arguments arguments, String name) {
    List<Object> given = arguments.positional(name, 1, 2);
    String fill = given.size() > 1 ? str(given.get(1), name) : " ";
    if (Strings.length(fill) != 1) {
      throw new Fault(name + ": " + Strings.repr(fill) + " (expected: one character)");
    }
    long width = Values.integer(given.get(0));
    long missing = Math.max(0, width - Strings.length(text));
    long left =
        switch (name) {
          case "ljust" -> 0;
          case "rjust" -> missing;
          default -> missing / 2 + (missing & width & 1);
        };
    return Strings.repeat(fill, left) + text + Strings.repeat(fill, missing - left);
  }
}
