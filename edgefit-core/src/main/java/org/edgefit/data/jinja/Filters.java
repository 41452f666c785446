package org.edgefit.data.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Generated;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/** The filters. */
final class Filters {

  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

  private Filters() {}

  /** Makes a value of a value. */
  @FunctionalInterface
  interface Filter {
    Object apply(Object value, Arguments arguments);
  }

  /** Returns the filter with a name; null if it is not supported. */
  static @Nullable Filter named(String name) {
    return switch (name) {
      case "abs" -> alone(name, Filters::absolute);
      case "capitalize" -> text(name, Strings::capitalize);
      case "lower" -> text(name, Strings::lower);
      case "upper" -> text(name, Strings::upper);
      case "title" -> text(name, Strings::titleWords);
      case "string" -> text(name, text -> text);
      case "trim" -> Filters::trim;
      case "replace" -> Filters::replace;
      case "indent" -> Filters::indent;
      case "center" ->
          (value, arguments) -> {
            Object width = arguments.bind(name, 0, "width").getOrDefault("width", 80L);
            return method(Values.string(value), name, width);
          };
      case "format" ->
          (value, arguments) -> {
            arguments.positional(name, 0, Integer.MAX_VALUE);
            return Formats.percent(Values.string(value), new Values.Tuple(arguments.positional()));
          };
      case "wordcount" ->
          alone(name, value -> WORD.matcher(Values.string(value)).results().count());
      case "length", "count" -> alone(name, Values::length);
      case "default", "d" ->
          (value, arguments) -> {
            Map<String, Object> given = arguments.bind(name, 0, "default_value", "boolean");
            boolean isMissing =
                value instanceof Undefined
                    || (Values.isTrue(given.getOrDefault("boolean", false))
                        && !Values.isTrue(value));
            return isMissing ? given.getOrDefault("default_value", "") : value;
          };
      case "int" -> Filters::integer;
      case "float" ->
          (value, arguments) -> {
            Object other = arguments.bind(name, 0, "default").getOrDefault("default", 0.0);
            if (value instanceof Undefined undefined) {
              throw undefined.fault();
            }
            Double number = real(value);
            return number == null ? other : number;
          };
      case "round" -> Filters::round;
      case "list" -> alone(name, Values::list);
      case "first" ->
          alone(
              name,
              value -> {
                Iterator<Object> items = Values.iterate(value);
                return items.hasNext() ? items.next() : new Undefined("the first item");
              });
      case "last" ->
          alone(
              name,
              value -> {
                List<Object> items = Values.list(reversible(value));
                return items.isEmpty()
                    ? new Undefined("the last item")
                    : items.get(items.size() - 1);
              });
      case "reverse" -> alone(name, Filters::reverse);
      case "join" -> Filters::join;
      case "items" -> alone(name, Filters::items);
      case "dictsort" -> Filters::sortedPairs;
      case "sort" -> Filters::sort;
      case "unique" -> Filters::unique;
      case "min" -> (value, arguments) -> extreme(name, value, arguments, -1);
      case "max" -> (value, arguments) -> extreme(name, value, arguments, 1);
      case "sum" -> Filters::sum;
      case "map" -> Filters::map;
      case "select" -> (value, arguments) -> choose(name, value, arguments, true, false);
      case "reject" -> (value, arguments) -> choose(name, value, arguments, false, false);
      case "selectattr" -> (value, arguments) -> choose(name, value, arguments, true, true);
      case "rejectattr" -> (value, arguments) -> choose(name, value, arguments, false, true);
      case "tojson" ->
          (value, arguments) ->
              Formats.json(
                  value,
                  arguments.bind(name, 0, "ensure_ascii", "indent", "separators", "sort_keys"));
      default -> null;
    };
  }

  private static Filter alone(String name, UnaryOperator<Object> filter) {
    return (value, arguments) -> {
      arguments.positional(name, 0, 0);
      return filter.apply(value);
    };
  }

  private static Filter text(String name, UnaryOperator<String> filter) {
    return alone(name, value -> filter.apply(Values.string(value)));
  }

  private static Object method(Object value, String name, Object... arguments) {
    if (Methods.of(value, name) instanceof Values.Callable callable) {
      return callable.call(new Arguments(List.of(arguments), Map.of()));
    }
    throw new Fault(name + " of a " + Values.type(value));
  }

  private static Object absolute(Object value) {
    if (value instanceof Double number) {
      return Math.abs(number);
    }
    return Values.integer(value) < 0 ? Values.negative(value) : Values.integer(value);
  }

  private static Object trim(Object value, Arguments arguments) {
    Object characters = arguments.bind("trim", 0, "chars").getOrDefault("chars", None.NONE);
    return method(Values.string(value), "strip", characters);
  }

  private static Object replace(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("replace", 2, "old", "new", "count");
    Object count = given.getOrDefault("count", None.NONE);
    return Strings.replace(
        Values.string(value),
        Values.string(given.getOrDefault("old", "")),
        Values.string(given.getOrDefault("new", "")),
        count == None.NONE ? -1 : Values.integer(count));
  }

  private static Object indent(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("indent", 0, "width", "first", "blank");
    Object width = given.getOrDefault("width", 4L);
    String margin =
        width instanceof String text ? text : Strings.repeat(" ", Values.integer(width));
    boolean isBlankToo = Values.isTrue(given.getOrDefault("blank", false));
    StringBuilder text = new StringBuilder();
    String separator = "";
    for (Object line : Strings.lines(Methods.str(value, "indent") + "\n", false)) {
      boolean isFirst = separator.isEmpty();
      boolean isIndented =
          isFirst
              ? Values.isTrue(given.getOrDefault("first", false))
              : isBlankToo || !line.equals("");
      text.append(separator).append(isIndented ? margin : "").append(line);
      separator = "\n";
      Strings.limit(text.length());
    }
    return text.toString();
  }

  private static Object integer(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("int", 0, "default", "base");
    if (given.containsKey("base")) {
      throw new Fault("int: argument base is not supported");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    } else if (value instanceof Long || value instanceof Boolean) {
      return Values.integer(value);
    }
    if (value instanceof String text && pythonNumber(text).matches("[-+]?[0-9]{1,18}")) {
      return Long.parseLong(pythonNumber(text));
    }
    Double number = real(value);
    if (number != null && Math.abs(number) < 1e18) {
      return (long) number.doubleValue();
    } else if (number != null && Double.isFinite(number)) {
      throw new Fault("an integer of more than 64 bits is not supported");
    }
    return given.getOrDefault("default", 0L);
  }

  /** Returns a text's number without blanks about it and underscores in it. */
  private static String pythonNumber(String text) {
    return Strings.strip(text, null, true, true).replaceAll("(?<=[0-9])_(?=[0-9])", "");
  }

  private static @Nullable Double real(Object value) {
    if (Values.isNumber(value)) {
      return Values.real(value);
    }
    if (!(value instanceof String text)) {
      return null;
    }
    String number = pythonNumber(text);
    if (number.matches("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?")) {
      return Double.valueOf(number);
    }
    return switch (Strings.lower(number).replaceFirst("^[-+]", "")) {
      case "inf", "infinity" ->
          number.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> null;
    };
  }

  private static Object round(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("round", 0, "precision", "method");
    long precision = Values.integer(given.getOrDefault("precision", 0L));
    String method = Values.string(given.getOrDefault("method", "common"));
    if (Math.abs(precision) > 300) {
      throw new Fault("round: precision " + precision + " is not supported");
    }
    if (method.equals("common")) {
      if (!(value instanceof Double number)) {
        if (precision < 0) {
          throw new Fault("round: an int to tens is not supported");
        }
        return Values.integer(value);
      }
      if (!Double.isFinite(number)) {
        return number;
      }
      double rounded =
          new BigDecimal(number).setScale((int) precision, RoundingMode.HALF_EVEN).doubleValue();
      return Math.copySign(rounded, number);
    } else if (!method.equals("ceil") && !method.equals("floor")) {
      throw new Fault("round: method " + method + " (expected: common, ceil or floor)");
    }
    double power = Math.pow(10, (double) precision);
    double scaled = Values.real(value) * power;
    return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / power;
  }

  /** Returns a value that Python can go through from its end. */
  private static Object reversible(Object value) {
    if (value instanceof Generated || value instanceof Undefined) {
      throw new Fault("a " + Values.type(value) + " is not reversible");
    }
    return value;
  }

  private static Object reverse(Object value) {
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

  private static Object join(Object value, Arguments arguments) {
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

  private static Object items(Object value) {
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
        found = Values.item(found, part);
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

  private static Object sort(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
    Comparator<Object> order = Comparator.comparing(sortKey(given), Values::compare);
    List<Object> sorted = Values.list(value);
    sorted.sort(Values.isTrue(given.getOrDefault("reverse", false)) ? order.reversed() : order);
    return sorted;
  }

  private static Object sortedPairs(Object value, Arguments arguments) {
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
        Comparator.comparing(pair -> folded(Values.item(pair, place), isExact), Values::compare);
    List<Object> pairs = Methods.pairs(map);
    pairs.sort(Values.isTrue(given.getOrDefault("reverse", false)) ? order.reversed() : order);
    return pairs;
  }

  private static Object unique(Object value, Arguments arguments) {
    UnaryOperator<Object> key = sortKey(arguments.bind("unique", 0, "case_sensitive", "attribute"));
    Map<Object, Object> seen = new LinkedHashMap<>();
    Values.iterate(value)
        .forEachRemaining(item -> seen.putIfAbsent(Values.key(key.apply(item)), item));
    return new Generated("generator", new ArrayList<>(seen.values()).iterator());
  }

  private static Object extreme(String name, Object value, Arguments arguments, int sign) {
    UnaryOperator<Object> key = sortKey(arguments.bind(name, 0, "case_sensitive", "attribute"));
    Iterator<Object> items = Values.iterate(value);
    if (!items.hasNext()) {
      return new Undefined("the " + name + " of nothing");
    }
    Object best = items.next();
    while (items.hasNext()) {
      Object item = items.next();
      if (Values.compare(key.apply(item), key.apply(best)) * sign > 0) {
        best = item;
      }
    }
    return best;
  }

  private static Object sum(Object value, Arguments arguments) {
    Map<String, Object> given = arguments.bind("sum", 0, "attribute", "start");
    UnaryOperator<Object> attribute = attribute(given.get("attribute"), null);
    Object sum = given.getOrDefault("start", 0L);
    if (sum instanceof String) {
      throw new Fault("sum: a str to start from");
    }
    for (Iterator<Object> items = Values.iterate(value); items.hasNext(); ) {
      sum = Values.arithmetic("+", sum, attribute.apply(items.next()));
    }
    return sum;
  }

  private static Object map(Object value, Arguments arguments) {
    UnaryOperator<Object> each;
    if (arguments.positional().isEmpty()) {
      Map<String, Object> given = arguments.bind("map", 0, "attribute", "default");
      if (!given.containsKey("attribute")) {
        throw new Fault("map: argument attribute, or a filter's name, is missing");
      }
      each = attribute(given.get("attribute"), given.get("default"));
    } else {
      String name = Methods.str(arguments.positional().get(0), "map");
      Filter filter = named(name);
      if (filter == null) {
        throw new Fault("filter \"" + name + "\" is not supported");
      }
      each = item -> filter.apply(item, arguments.rest());
    }
    List<Object> mapped = new ArrayList<>();
    Values.iterate(value).forEachRemaining(item -> mapped.add(each.apply(item)));
    return new Generated("generator", mapped.iterator());
  }

  private static Object choose(
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
