package org.edgefit.file;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Strict JSON: a key that comes twice, or text after the end, is an error. */
public final class Json {

  /** A longer number would take long to read. */
  private static final int MOST_DIGITS = 10_000;

  /** Deeper trees could not be walked. */
  private static final int MOST_DEPTH = 1000;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxStringLength(Integer.MAX_VALUE)
                          .maxNumberLength(MOST_DIGITS)
                          .maxNestingDepth(MOST_DEPTH)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private static final ObjectReader ITEMS =
      MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private Json() {}

  /** Returns a new object to fill. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** Returns a new list to fill. */
  public static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /** Returns a value (a record, a map, a list) as a tree. */
  public static JsonNode tree(Object value) {
    return MAPPER.valueToTree(value);
  }

  /**
   * Returns a tree as the record that it was made of.
   *
   * @param what the value's name, for the error
   * @throws IllegalArgumentException if a component is missing, unknown, or out of its range
   */
  public static <T> T value(JsonNode tree, Class<T> type, String what) {
    try {
      return MAPPER.treeToValue(tree, type);
    } catch (ValueInstantiationException e) { // the record's own check
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalArgumentException(what + ": " + cause.getMessage(), e);
    } catch (JsonProcessingException e) {
      String text = tree.toString();
      throw new IllegalArgumentException(
          what
              + ": "
              + text.substring(0, Math.min(200, text.length()))
              + " (expected: the components of "
              + type.getSimpleName()
              + ", each of its type)",
          e);
    }
  }

  /** Returns a value (a map, a list, a number, a string) as JSON on one line. */
  public static String line(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not writable as JSON: " + value, e);
    }
  }

  /**
   * Parses one JSON object.
   *
   * @param what the source's name, for the error
   * @throws IOException if the text is anything else
   */
  public static ObjectNode parse(String text, String what) throws IOException {
    JsonNode node;
    try {
      node = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IOException(what + fault(text, e), e);
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw new IOException(what + ": " + node.getNodeType() + " (expected: a JSON object)");
  }

  /** Says where a text is no JSON, and why, in words of ours. */
  private static String fault(String text, JsonProcessingException e) {
    String message = String.valueOf(e.getOriginalMessage());
    if (e instanceof StreamConstraintsException) {
      return message.contains("nesting")
          ? ": nested more than " + MOST_DEPTH + " deep (expected: less)"
          : message.contains("Name")
              ? ": a key of more than 50000 characters (expected: fewer)"
              : ": a number of more than " + MOST_DIGITS + " digits (expected: fewer)";
    }
    Matcher twice = Pattern.compile("Duplicate field '(.*)'", Pattern.DOTALL).matcher(message);
    JsonLocation at = e.getLocation();
    String where =
        at == null
            ? ""
            : (at.getLineNr() > 1 ? ", line " + at.getLineNr() : "")
                + ", column "
                + at.getColumnNr();
    return where
        + (twice.find()
            ? ": key \"" + twice.group(1) + "\" is duplicated (expected: once)"
            : message.contains("end-of-input")
                ? ": truncated (expected: a complete JSON object)"
                : endsAfterAComma(text, at)
                    ? ": a comma before the closing bracket (expected: none)"
                    : ": not JSON (expected: a JSON object)");
  }

  private static boolean endsAfterAComma(String text, @Nullable JsonLocation at) {
    if (at == null || at.getCharOffset() < 0) {
      return false;
    }
    int end = (int) Math.min(text.length(), at.getCharOffset() + 1);
    String before = text.substring(0, end).stripTrailing();
    int comma = before.lastIndexOf(',');
    return comma >= 0 && before.substring(comma + 1).strip().matches("[]}]");
  }

  /** Takes an item of a list. */
  @FunctionalInterface
  public interface ItemReader {
    /** Takes an item with its number, from 1. */
    void read(JsonNode item, int number) throws IOException;
  }

  /**
   * Reads a JSON list, an item at a time.
   *
   * @param what the source's name, for the error
   * @throws IOException if the text is anything else
   */
  public static void items(String text, String what, ItemReader reader) throws IOException {
    try (JsonParser parser = MAPPER.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_ARRAY) {
        throw new IOException(what + ": not a JSON list (expected: one)");
      }
      int number = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        JsonNode item = ITEMS.readTree(parser);
        if (item == null) {
          throw new IOException(what + ": truncated (expected: a complete JSON list)");
        }
        reader.read(item, ++number);
      }
      if (parser.nextToken() != null) {
        throw new IOException(what + ": trailing data after the JSON list");
      }
    } catch (JsonProcessingException e) {
      throw new IOException(what + fault(text, e), e);
    }
  }

  /** Reads a file that is one JSON object. */
  public static ObjectNode read(Path file) throws IOException {
    return parse(TextFile.read(file), file.toString());
  }

  /** Returns an object as indented text with a final newline. */
  public static String indented(JsonNode node) {
    try {
      return MAPPER.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not writable as JSON: " + node, e);
    }
  }
}
