package org.edgefit.examples.experiment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/**
 * A section of a YAML file. Every key must be read by name: other keys are errors, which suggest
 * the nearest known name.
 */
final class Section {

  private final String where;
  private final ObjectNode values;
  private final boolean isThere;
  private final TreeSet<String> known = new TreeSet<>();
  private final List<Section> parts = new ArrayList<>();

  private Section(String where, @Nullable ObjectNode values) {
    this.where = where;
    this.values = values == null ? Json.object() : values;
    this.isThere = values != null;
  }

  /**
   * Reads a file.
   *
   * @param settings what is to be otherwise than in the file: values as YAML, by keys with dots
   */
  static Section read(Path file, Map<String, String> settings) throws IOException {
    if (!(YamlFile.read(file) instanceof ObjectNode object)) {
      throw new IOException(file + ": no keys and values (expected: a YAML mapping)");
    }
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      set(object, setting.getKey(), setting.getValue());
    }
    return new Section(file + ": ", object);
  }

  private static void set(ObjectNode object, String key, String value) throws IOException {
    String[] names = key.split("\\.", -1);
    ObjectNode section = object;
    for (int i = 0; i < names.length - 1; i++) {
      JsonNode inner = section.get(names[i]);
      section = inner instanceof ObjectNode there ? there : section.putObject(names[i]);
    }
    try {
      section.set(names[names.length - 1], new YAMLMapper().readTree(value));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: a value as in YAML)", e);
    }
  }

  /** Returns the keys that the file has here. */
  List<String> keys() {
    List<String> keys = new ArrayList<>();
    values.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /** Returns what this section's values make; an error about them is told with where they are. */
  <T> T checked(Supplier<T> made) {
    try {
      return made.get();
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(where) ? e : new IllegalArgumentException(where + message, e);
    }
  }

  /** Returns whether the file has this section. */
  boolean isThere() {
    return isThere;
  }

  /** Returns the section of a key, which is empty if it is not there. */
  Section section(String key) {
    JsonNode value = value(key);
    if (value != null && !(value instanceof ObjectNode)) {
      throw wrong(key, value, "keys and values");
    }
    Section part = new Section(where + key + ".", (ObjectNode) value);
    parts.add(part);
    return part;
  }

  private @Nullable JsonNode value(String key) {
    known.add(key);
    JsonNode value = values.get(key);
    return value == null || value.isNull() ? null : value;
  }

  private IllegalArgumentException wrong(String key, JsonNode value, String expected) {
    return new IllegalArgumentException(
        where + key + ": " + value + " (expected: " + expected + ")");
  }

  /** Returns a text, or {@code otherwise} if the key is not there. */
  String text(String key, String otherwise) {
    JsonNode value = value(key);
    if (value == null) {
      return otherwise;
    }
    if (!value.isValueNode()) {
      throw wrong(key, value, "a text");
    }
    return value.asText();
  }

  /** Names keys that are known here, before one that has to be there is found to be missing. */
  void knows(String... keys) {
    known.addAll(List.of(keys));
  }

  private IllegalArgumentException missing(String key, String expected) {
    requireKnown();
    return new IllegalArgumentException(where + key + ": missing (expected: " + expected + ")");
  }

  /** Returns a text that has to be there. */
  String text(String key) {
    if (value(key) == null) {
      throw missing(key, "a text");
    }
    return text(key, "");
  }

  /** Returns one of a few texts, the first if the key is not there. */
  String oneOf(String key, List<String> texts) {
    JsonNode value = value(key);
    if (value == null) {
      return texts.get(0);
    }
    if (!texts.contains(value.asText())) {
      throw wrong(key, value, "one of " + texts);
    }
    return value.asText();
  }

  /** Returns an integer of at least {@code least}. */
  int whole(String key, int otherwise, int least) {
    JsonNode value = value(key);
    if (value == null) {
      return otherwise;
    }
    if (!value.isInt() || value.intValue() < least) {
      throw wrong(key, value, "an integer >= " + least);
    }
    return value.intValue();
  }

  /** Returns a number that has to be there, of at least {@code least}. */
  double number(String key, double least) {
    if (value(key) == null) {
      throw missing(key, "a number >= " + least);
    }
    return number(key, 0, least);
  }

  /** Returns a number of at least {@code least}. */
  double number(String key, double otherwise, double least) {
    JsonNode value = value(key);
    if (value == null) {
      return otherwise;
    }
    double number = value.isTextual() ? parse(value.textValue()) : value.doubleValue();
    if (!(value.isNumber() || value.isTextual()) || !(number >= least)) { // 1e-3 is a YAML text
      throw wrong(key, value, "a number >= " + least);
    }
    return number;
  }

  private static double parse(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  /** Returns one of a few words, spelled with dashes or as in Java, as an enum's constant. */
  <E extends Enum<E>> E choice(String key, Class<E> type, E otherwise) {
    JsonNode value = value(key);
    return value == null ? otherwise : constant(key, value, type);
  }

  /** Returns several of a few words. */
  <E extends Enum<E>> List<E> choices(String key, Class<E> type, List<E> otherwise) {
    return list(key, otherwise, value -> constant(key, value, type));
  }

  private <E extends Enum<E>> E constant(String key, JsonNode value, Class<E> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants()).map(constant -> spelled(constant)).toList();
    int index = names.indexOf(value.asText().toLowerCase(Locale.ROOT).replace('_', '-'));
    if (index < 0) {
      throw wrong(key, value, "one of " + names);
    }
    return type.getEnumConstants()[index];
  }

  /** Returns a constant as it is written in a file: {@code LIKELIHOOD_PER_TOKEN} with dashes. */
  static String spelled(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Returns a list of texts. */
  List<String> texts(String key, List<String> otherwise) {
    return list(
        key,
        otherwise,
        value -> {
          if (!value.isValueNode() || value.isNull()) {
            throw wrong(key, value, "texts");
          }
          return value.asText();
        });
  }

  /** Returns a list of integers. */
  List<Long> wholes(String key, List<Long> otherwise) {
    return list(
        key,
        otherwise,
        value -> {
          if (!value.isIntegralNumber()) {
            throw wrong(key, value, "integers");
          }
          return value.longValue();
        });
  }

  /** Returns a list; one value is a list of one. */
  private <T> List<T> list(String key, List<T> otherwise, Function<JsonNode, T> read) {
    JsonNode value = value(key);
    if (value == null) {
      return otherwise;
    }
    if (value.isValueNode()) {
      return List.of(read.apply(value));
    }
    if (!value.isArray() || value.isEmpty()) {
      throw wrong(key, value, "a list of at least one");
    }
    List<T> items = new ArrayList<>();
    value.forEach(item -> items.add(read.apply(item)));
    return List.copyOf(items);
  }

  /**
   * Ends the reading.
   *
   * @throws IllegalArgumentException naming a key that nothing asked for, and the nearest known
   */
  void finish() {
    requireKnown();
    parts.forEach(Section::finish);
  }

  private void requireKnown() {
    for (String key : (Iterable<String>) values::fieldNames) {
      if (!known.contains(key)) {
        String nearest =
            known.stream().min(Comparator.comparingInt(name -> distance(name, key))).orElse("");
        throw new IllegalArgumentException(
            where + key + ": not a setting (did you mean " + nearest + "?)");
      }
    }
  }

  /** Returns the Levenshtein distance. */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    Arrays.setAll(row, j -> j);
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int above = row[j];
        int changed = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(changed, 1 + Math.min(above, row[j - 1]));
        diagonal = above;
      }
    }
    return row[other.length()];
  }
}
