package org.edgefit.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;
import org.jspecify.annotations.Nullable;

/** Reads records, and holds them to the keys of those before. */
final class RecordReader {
  private final String file;
  private final Map<String, String> chosen;
  private final List<InstructionRecord> records = new ArrayList<>();
  private final Map<String, String> keys = new TreeMap<>();
  private final Map<String, String> places = new TreeMap<>();
  private final Map<String, Integer> ignored = new TreeMap<>();
  private int earlierAnswers;
  private String layout = "";
  private String layoutPlace = "";

  RecordReader(String file, Map<String, String> chosen) {
    this.file = file;
    this.chosen = chosen;
  }

  RecordFile result() throws IOException {
    for (Map.Entry<String, String> column : chosen.entrySet()) {
      if (!records.isEmpty() && !keys.containsKey(column.getKey())) {
        throw new IOException(
            file
                + ": "
                + column.getValue()
                + ": not found (expected: the "
                + column.getKey()
                + "s); there are "
                + ignored.keySet());
      }
    }
    return new RecordFile(new InstructionDataset(records), keys, ignored, earlierAnswers);
  }

  void lines(ByteBuffer bytes) throws IOException {
    int line = 1;
    int start = 0;
    for (int at = 0; at <= bytes.limit(); at++) {
      if (at == bytes.limit() || bytes.get(at) == '\n') {
        String text = line(bytes, start, at);
        if (!text.isBlank()) {
          String where = file + ": line " + line;
          add(Json.parse(text, where), where);
        }
        line++;
        start = at + 1;
      }
    }
  }

  private String line(ByteBuffer bytes, int start, int end) throws IOException {
    ByteBuffer part = bytes.duplicate().position(start).limit(end);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
    } catch (CharacterCodingException e) {
      return TextFile.decode(bytes, file); // which names the line and byte
    }
  }

  void array(ByteBuffer bytes) throws IOException {
    Json.items(
        TextFile.decode(bytes, file),
        file,
        (item, number) -> {
          String where = file + ": item " + number;
          if (!(item instanceof ObjectNode object)) {
            throw new IOException(where + ": " + item.getNodeType() + " (expected: an object)");
          }
          add(object, where);
        });
  }

  private void add(ObjectNode json, String where) throws IOException {
    Map<String, String> here = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      if (!entry.getValue().isNull()) {
        String key = entry.getKey();
        String column = columnOf(key, where);
        if (column == null) {
          ignored.merge(key, 1, Integer::sum);
        } else {
          String other = here.put(column, key);
          if (other != null) {
            throw new IOException(
                where
                    + ": "
                    + other
                    + " and "
                    + key
                    + " (expected: one of them, the "
                    + column
                    + "; set --columns)");
          }
        }
      }
    }
    for (Map.Entry<String, String> entry : here.entrySet()) {
      String first = keys.putIfAbsent(entry.getKey(), entry.getValue());
      places.putIfAbsent(entry.getKey(), where);
      if (first != null && !first.equals(entry.getValue())) {
        throw new IOException(
            where
                + ": "
                + entry.getValue()
                + " (expected: "
                + first
                + ", the "
                + entry.getKey()
                + " in "
                + places.get(entry.getKey())
                + "; one layout in a file)");
      }
    }
    if (here.containsKey(RecordFile.MESSAGES) == here.containsKey("instruction")) {
      throw new IOException(
          where
              + (here.containsKey(RecordFile.MESSAGES)
                  ? ": instruction and messages (expected: one of them)"
                  : ": "
                      + names(json)
                      + " (expected: instruction and response, or messages;"
                      + " map others: --columns instruction=KEY,response=KEY)"));
    }
    requireOneLayout(
        here.containsKey(RecordFile.MESSAGES) ? RecordFile.MESSAGES : "instruction", where);
    try {
      records.add(
          here.containsKey(RecordFile.MESSAGES)
              ? conversation(json, here, where)
              : new InstructionRecord(
                  required(json, here, "instruction", where),
                  optional(json, here, "context", where),
                  required(json, here, "response", where),
                  optional(json, here, "category", where),
                  label(json, here, where)));
    } catch (IllegalArgumentException e) {
      throw new IOException(where + ": " + e.getMessage(), e);
    }
  }

  private void requireOneLayout(String here, String where) throws IOException {
    if (layout.isEmpty()) {
      layout = here;
      layoutPlace = where;
    } else if (!layout.equals(here)) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: %s (expected: %s, as in %s; one layout in a file)",
              where,
              here,
              layout,
              layoutPlace));
    }
  }

  /** Returns a text, which UTF-8 must be able to write. */
  static String whole(String text, String where) throws IOException {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (Character.getType(text.codePointAt(i)) == Character.SURROGATE) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: unpaired surrogate U+%04X at character %d (expected: Unicode text)",
                where,
                text.codePointAt(i),
                i + 1));
      }
    }
    return text;
  }

  private static String names(ObjectNode json) {
    List<String> names = new ArrayList<>();
    json.fieldNames().forEachRemaining(names::add);
    return "keys " + names;
  }

  /** Returns what a key is read as; null if it is none that is read. */
  private @Nullable String columnOf(String key, String where) throws IOException {
    for (Map.Entry<String, String> column : chosen.entrySet()) {
      if (column.getValue().equals(key)) {
        return column.getKey();
      }
    }
    String plain = key.strip().toLowerCase(Locale.ROOT);
    for (Map.Entry<String, List<String>> column : RecordFile.COLUMNS.entrySet()) {
      if (!chosen.containsKey(column.getKey()) && column.getValue().contains(plain)) {
        if (!key.equals(plain)) {
          throw new IOException(
              where
                  + ": key \""
                  + key
                  + "\" (expected: "
                  + plain
                  + ", or --columns "
                  + plain
                  + "="
                  + key
                  + ")");
        }
        return column.getKey();
      }
    }
    return null;
  }

  private static String required(
      ObjectNode json, Map<String, String> here, String column, String where) throws IOException {
    String value = optional(json, here, column, where);
    if (value == null) {
      throw new IOException(
          where + ": " + column + ": missing (expected: a string); there are " + names(json));
    }
    return value;
  }

  private static @Nullable String optional(
      ObjectNode json, Map<String, String> here, String column, String where) throws IOException {
    String key = here.get(column);
    if (key == null) {
      return null;
    }
    JsonNode value = json.path(key);
    if (!value.isTextual()) {
      throw new IOException(where + ": " + key + ": " + shown(value) + " (expected: a string)");
    }
    return whole(value.textValue(), where + ": " + key);
  }

  static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }

  private static @Nullable String label(ObjectNode json, Map<String, String> here, String where)
      throws IOException {
    String label = optional(json, here, "label", where);
    if (label != null && label.isBlank()) {
      throw new IOException(where + ": label: empty (expected: a class, or no such key)");
    }
    return label;
  }

  private InstructionRecord conversation(ObjectNode json, Map<String, String> here, String where)
      throws IOException {
    String key = String.valueOf(here.get(RecordFile.MESSAGES));
    JsonNode list = json.path(key);
    if (!list.isArray() || list.isEmpty()) {
      throw new IOException(where + ": " + key + ": " + shown(list) + " (expected: messages)");
    }
    List<Message> messages = Conversation.read(list, key, where, ignored);
    int last = messages.size() - 1;
    if (here.containsKey("response") || here.containsKey("context")) {
      throw new IOException(
          where + ": " + key + " beside " + here.values() + " (expected: messages alone)");
    }
    List<Message> earlier = messages.subList(0, last - 1);
    earlierAnswers +=
        (int) earlier.stream().filter(one -> one.role().equals(Message.ASSISTANT)).count();
    return new InstructionRecord(
        messages.get(last - 1).content(),
        null,
        messages.get(last).content(),
        optional(json, here, "category", where),
        label(json, here, where),
        earlier);
  }
}
