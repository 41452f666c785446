package org.edgefit.data.jinja;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.Generated;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Undefined;
import org.edgefit.data.jinja.Values.View;
import org.jspecify.annotations.Nullable;

/** The tests of {@code is}, and of the filters that choose. */
final class Tests {

  private Tests() {}

  /** Asks something of a value. */
  @FunctionalInterface
  interface Test {
    boolean holds(Object value, Arguments arguments);
  }

  /** Returns the test with a name; null if it is not supported. */
  static @Nullable Test named(String name) {
    return switch (name) {
      case "defined" -> alone(name, value -> !(value instanceof Undefined));
      case "undefined" -> alone(name, value -> value instanceof Undefined);
      case "none" -> alone(name, value -> value == None.NONE);
      case "true" -> alone(name, value -> value.equals(true));
      case "false" -> alone(name, value -> value.equals(false));
      case "boolean" -> alone(name, value -> value instanceof Boolean);
      case "string" -> alone(name, value -> value instanceof String);
      case "number" -> alone(name, Values::isNumber);
      case "integer" -> alone(name, value -> value instanceof Long);
      case "float" -> alone(name, value -> value instanceof Double);
      case "mapping" -> alone(name, value -> value instanceof Map);
      case "sequence" ->
          alone(
              name,
              value ->
                  value instanceof String
                      || value instanceof List
                      || value instanceof Map
                      || (value instanceof View view && view.name().equals("range"))
                      || value instanceof Undefined);
      case "iterable" ->
          alone(
              name,
              value ->
                  value instanceof String
                      || value instanceof List
                      || value instanceof Map
                      || value instanceof View
                      || value instanceof Generated
                      || value instanceof Loop
                      || value instanceof Undefined);
      case "callable" ->
          alone(
              name,
              value ->
                  value instanceof Callable || value instanceof Loop || value instanceof Undefined);
      case "lower" -> alone(name, value -> isCased(value, "islower"));
      case "upper" -> alone(name, value -> isCased(value, "isupper"));
      case "odd" -> alone(name, value -> isRest(value, 2, 1));
      case "even" -> alone(name, value -> isRest(value, 2, 0));
      case "divisibleby" -> with(name, (value, other) -> isRest(value, other, 0));
      case "in" -> with(name, (value, other) -> Comparisons.contains(other, value));
      case "sameas" -> with(name, Tests::isSame);
      case "eq", "equalto", "==" -> with(name, Comparisons::isEqual);
      case "ne", "!=" -> with(name, (value, other) -> !Comparisons.isEqual(value, other));
      case "lt", "lessthan", "<" ->
          with(name, (value, other) -> Comparisons.compare(value, other) < 0);
      case "le", "<=" -> with(name, (value, other) -> Comparisons.compare(value, other) <= 0);
      case "gt", "greaterthan", ">" ->
          with(name, (value, other) -> Comparisons.compare(value, other) > 0);
      case "ge", ">=" -> with(name, (value, other) -> Comparisons.compare(value, other) >= 0);
      case "filter" ->
          alone(name, value -> value instanceof String filter && Filters.named(filter) != null);
      case "test" ->
          alone(name, value -> value instanceof String test && Tests.named(test) != null);
      default -> null;
    };
  }

  private interface Pair {
    boolean holds(Object value, Object other);
  }

  private static Test alone(String name, Predicate<Object> asks) {
    return (value, arguments) -> {
      arguments.positional(name, 0, 0);
      return asks.test(value);
    };
  }

  private static Test with(String name, Pair asks) {
    return (value, arguments) -> asks.holds(value, arguments.positional(name, 1, 1).get(0));
  }

  private static boolean isCased(Object value, String method) {
    return Methods.of(Values.string(value), method) instanceof Callable callable
        && callable.call(Arguments.NONE).equals(true);
  }

  private static boolean isRest(Object value, Object by, long rest) {
    return Comparisons.isEqual(Arithmetic.arithmetic("%", value, by), rest);
  }

  private static boolean isRest(Object value, long by, long rest) {
    return isRest(value, (Object) by, rest);
  }

  private static boolean isSame(Object value, Object other) {
    boolean isOne = value instanceof Boolean || value == None.NONE;
    if (isOne || other instanceof Boolean || other == None.NONE) {
      return value.equals(other);
    } else if (value == other) {
      return true;
    }
    throw new Place.Fault("sameas between " + Values.type(value) + "s is not supported");
  }
}
