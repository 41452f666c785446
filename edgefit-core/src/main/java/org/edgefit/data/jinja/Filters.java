package org.edgefit.data.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.edgefit.data.jinja.Place.Fault;
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
                List<Object> items = Values.list(SequenceFilters.reversible(value));
                return items.isEmpty()
                    ? new Undefined("the last item")
                    : items.get(items.size() - 1);
              });
      case "reverse" -> alone(name, SequenceFilters::reverse);
      case "join" -> SequenceFilters::join;
      case "items" -> alone(name, SequenceFilters::items);
      case "dictsort" -> SequenceFilters::sortedPairs;
      case "sort" -> SequenceFilters::sort;
      case "unique" -> SequenceFilters::unique;
      case "min" -> (value, arguments) -> SequenceFilters.extreme(name, value, arguments, -1);
      case "max" -> (value, arguments) -> SequenceFilters.extreme(name, value, arguments, 1);
      case "sum" -> SequenceFilters::sum;
      case "map" -> SequenceFilters::map;
      case "select" ->
          (value, arguments) -> SequenceFilters.choose(name, value, arguments, true, false);
      case "reject" ->
          (value, arguments) -> SequenceFilters.choose(name, value, arguments, false, false);
      case "selectattr" ->
          (value, arguments) -> SequenceFilters.choose(name, value, arguments, true, true);
      case "rejectattr" ->
          (value, arguments) -> SequenceFilters.choose(name, value, arguments, false, true);
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
    return Values.integer(value) < 0 ? Arithmetic.negative(value) : Values.integer(value);
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
}
