package org.edgefit.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A small typed map of strings, numbers and booleans that a strategy sends to clients along with
 * tensors, or keeps across rounds (Flower's {@code ConfigRecord}). Immutable.
 *
 * @param values by name a {@code String}, {@code Long}, {@code Double} or {@code Boolean}
 */
public record Config(Map<String, Object> values) {

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,64}");

  private static final int MOST_TEXT = 4096;
  private static final int MOST_VALUES = 256;

  private static final Config NONE = new Config(Map.of());

  /** Checks names and types, and keeps the values in the order of their names. */
  public Config {
    TreeMap<String, Object> sorted = new TreeMap<>();
    values.forEach((name, value) -> sorted.put(name, checked(name, value)));
    if (sorted.size() > MOST_VALUES) {
      throw new IllegalArgumentException(
          "config: " + sorted.size() + " values (expected: at most " + MOST_VALUES + ")");
    }
    values = Collections.unmodifiableMap(sorted);
  }

  private static Object checked(String name, Object value) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "config: \"" + ClientText.shown(name) + "\" (expected: 1 to 64 of A-Z a-z 0-9 _ . -)");
    }
    if (value instanceof Integer number) {
      return (long) number;
    }
    if (value instanceof String text && text.length() > MOST_TEXT) {
      throw new IllegalArgumentException(
          "config: "
              + name
              + ": "
              + text.length()
              + " characters (expected: at most "
              + MOST_TEXT
              + ")");
    }
    boolean isFinite = !(value instanceof Double number) || Double.isFinite(number);
    if (isFinite
        && (value instanceof String
            || value instanceof Long
            || value instanceof Double
            || value instanceof Boolean)) {
      return value;
    }
    throw new IllegalArgumentException(
        "config: "
            + name
            + ": "
            + (value == null ? "null" : isFinite ? value.getClass().getName() : value)
            + " (expected: a String, Long, Boolean or finite Double)");
  }

  /** Returns an empty configuration. */
  public static Config none() {
    return NONE;
  }

  /**
   * Returns the config of a JSON object of strings, numbers and booleans. Numbers without a point
   * are integers.
   *
   * @throws IllegalArgumentException if it has anything else
   */
  public static Config of(JsonNode json) {
    TreeMap<String, Object> values = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      JsonNode value = field.getValue();
      if (value.isBoolean()) {
        values.put(field.getKey(), value.booleanValue());
      } else if (value.isIntegralNumber() && value.canConvertToLong()) {
        values.put(field.getKey(), value.longValue());
      } else if (value.isNumber()) {
        values.put(field.getKey(), value.doubleValue());
      } else if (value.isTextual()) {
        values.put(field.getKey(), value.textValue());
      } else {
        throw new IllegalArgumentException(
            "config: "
                + ClientText.shown(field.getKey(), 64)
                + ": a JSON "
                + value.getNodeType()
                + " (expected: string, number or bool)");
      }
    }
    return new Config(values);
  }

  /** Returns this configuration with a value added or replaced. */
  public Config with(String name, Object value) {
    TreeMap<String, Object> more = new TreeMap<>(values);
    more.put(name, value);
    return new Config(more);
  }

  /** Returns whether there is a value of this name. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /** Returns a string, or throws {@link IllegalArgumentException} if it is not one. */
  public String text(String name) {
    return value(name, String.class);
  }

  /** Returns an integer, or throws as above if it is not one. */
  public long integer(String name) {
    return value(name, Long.class);
  }

  /** Returns a number or integer, or throws as above if it is neither. */
  public double number(String name) {
    return values.get(name) instanceof Long whole ? whole : value(name, Double.class);
  }

  /** Returns a boolean, or throws as above if it is not one. */
  public boolean flag(String name) {
    return value(name, Boolean.class);
  }

  private <T> T value(String name, Class<T> type) {
    Object value = values.get(name);
    if (type.isInstance(value)) {
      return type.cast(value);
    }
    throw new IllegalArgumentException(
        "config: "
            + name
            + ": "
            + (value == null ? "none" : value)
            + " (expected: a "
            + type.getSimpleName()
            + (value == null ? "; there are " + values.keySet() : "")
            + ")");
  }
}
