package org.edgefit.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;
import org.jspecify.annotations.Nullable;

/**
 * A file of instruction records in a common layout: JSON objects, one per line or in one array,
 * plain or gzipped, with the keys of Dolly ({@code instruction}, {@code context}, {@code
 * response}), of Alpaca ({@code instruction}, {@code input}, {@code output}), with {@code messages}
 * of a role and a content, or with ShareGPT's {@code conversations}; and beside those {@code
 * category} and {@code label}.
 *
 * @param dataset the records
 * @param keys the keys that were read, by column
 * @param ignored the keys that were not, with how many records have them
 * @param earlierAnswers how many assistant turns have no labels, not being the last
 */
public record RecordFile(
    InstructionDataset dataset,
    Map<String, String> keys,
    Map<String, Integer> ignored,
    int earlierAnswers) {

  /** What a key can be read as, with the names that people give it. */
  private static final Map<String, List<String>> COLUMNS = columns();

  private static final String MESSAGES = "messages";

  private static Map<String, List<String>> columns() {
    Map<String, List<String>> columns = new LinkedHashMap<>();
    columns.put("instruction", List.of("instruction"));
    columns.put("context", List.of("context", "input"));
    columns.put("response", List.of("response", "output"));
    columns.put(MESSAGES, List.of(MESSAGES, "conversations"));
    columns.put("category", List.of("category"));
    columns.put("label", List.of("label"));
    return columns;
  }

  /** Copies the maps. */
  public RecordFile {
    keys = Map.copyOf(keys);
    ignored = Map.copyOf(ignored);
  }

  /**
   * Reads a file.
   *
   * @param columns the keys that stand for {@code instruction}, {@code context}, {@code response},
   *     {@code messages}, {@code category} or {@code label}, where they are called otherwise
   * @throws IOException if the file is something else, or a record is not such an object; the
   *     message names the line or the item, the key, what is there and what is expected
   */
  public static RecordFile read(Path file, Map<String, String> columns) throws IOException {
    columns.forEach(
        (column, key) -> {
          if (!COLUMNS.containsKey(column)) {
            throw new IllegalArgumentException(
                "columns: " + column + " (expected: some of " + COLUMNS.keySet() + ")");
          }
        });
    ByteBuffer bytes = TextFile.bytes(file, true);
    Reader reader = new Reader(file.toString(), columns);
    if (firstCharacter(bytes) == '[') {
      reader.array(bytes);
    } else {
      reader.lines(bytes);
    }
    return reader.result();
  }

  private static int firstCharacter(ByteBuffer bytes) {
    for (int i = 0; i < bytes.limit(); i++) {
      if (!Character.isWhitespace(bytes.get(i))) {
        return bytes.get(i);
      }
    }
    return ' ';
  }

  /** Returns one line on what was read and ignored. */
  public String description() {
    List<String> read = new ArrayList<>();
    for (String column : COLUMNS.keySet()) {
      String key = keys.get(column);
      if (key != null) {
        read.add(key.equals(column) ? key : key + " as " + column);
      }
    }
    List<String> left = new ArrayList<>();
    new TreeMap<>(ignored).forEach((key, count) -> left.add(key + " (" + count + ")"));
    return dataset.size()
        + (dataset.size() == 1 ? " record" : " records")
        + ": "
        + String.join(", ", read)
        + (left.isEmpty() ? "" : "; ignored: " + String.join(", ", left))
        + (earlierAnswers == 0
            ? ""
            : "; only the last assistant turn is trained on, " + earlierAnswers + " are not")
        + withoutLabel()
        + empty();
  }

  private String withoutLabel() {
    long without = dataset.records().stream().filter(record -> record.label() == null).count();
    return without == 0 || without == dataset.size() ? "" : "; " + without + " without a label";
  }

  private String empty() {
    List<InstructionRecord> records = dataset.records();
    int[] empty =
        IntStream.range(0, records.size())
            .filter(i -> records.get(i).response().isBlank())
            .toArray();
    return empty.length == 0
        ? ""
        : "; "
            + empty.length
            + (empty.length == 1 ? " empty response" : " empty responses")
            + ", the first in record "
            + (empty[0] + 1);
  }

  /** Reads records, and holds them to the keys of those before. */
  private static final class Reader {
    private final String file;
    private final Map<String, String> chosen;
    private final List<InstructionRecord> records = new ArrayList<>();
    private final Map<String, String> keys = new TreeMap<>();
    private final Map<String, String> places = new TreeMap<>();
    private final Map<String, Integer> ignored = new TreeMap<>();
    private int earlierAnswers;
    private String layout = "";
    private String layoutPlace = "";

    Reader(String file, Map<String, String> chosen) {
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
      if (here.containsKey(MESSAGES) == here.containsKey("instruction")) {
        throw new IOException(
            where
                + (here.containsKey(MESSAGES)
                    ? ": instruction and messages (expected: one of them)"
                    : ": "
                        + names(json)
                        + " (expected: instruction and response, or messages;"
                        + " map others: --columns instruction=KEY,response=KEY)"));
      }
      requireOneLayout(here.containsKey(MESSAGES) ? MESSAGES : "instruction", where);
      try {
        records.add(
            here.containsKey(MESSAGES)
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
    private static String whole(String text, String where) throws IOException {
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
      for (Map.Entry<String, List<String>> column : COLUMNS.entrySet()) {
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

    private static String shown(JsonNode value) {
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
      String key = String.valueOf(here.get(MESSAGES));
      JsonNode list = json.path(key);
      if (!list.isArray() || list.isEmpty()) {
        throw new IOException(where + ": " + key + ": " + shown(list) + " (expected: messages)");
      }
      List<Message> messages = new ArrayList<>();
      for (JsonNode one : list) {
        messages.add(message(one, key, where + ": " + key + "[" + messages.size() + "]"));
      }
      int last = messages.size() - 1;
      for (int i = 0; i <= last; i++) {
        boolean hasSystem = messages.get(0).role().equals(Message.SYSTEM);
        String expected =
            i == 0 && hasSystem
                ? Message.SYSTEM
                : (i - (hasSystem ? 1 : 0)) % 2 == 0 ? Message.USER : Message.ASSISTANT;
        if (!messages.get(i).role().equals(expected)) {
          throw new IOException(
              where
                  + ": "
                  + key
                  + "["
                  + i
                  + "]: role "
                  + messages.get(i).role()
                  + " (expected: "
                  + expected
                  + "; alternating user and assistant, after an optional system)");
        }
      }
      if (last < 1 || !messages.get(last).role().equals(Message.ASSISTANT)) {
        throw new IOException(
            where
                + ": "
                + key
                + ": the last is "
                + messages.get(last).role()
                + " (expected: assistant, which gets labels)");
      }
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

    private Message message(JsonNode json, String key, String where) throws IOException {
      boolean isShareGpt = json.has("from") && !json.has("role");
      JsonNode role = json.path(isShareGpt ? "from" : "role");
      JsonNode content = json.path(isShareGpt ? "value" : "content");
      String text = content.isArray() ? parts(content, where) : content.textValue();
      if (!role.isTextual() || text == null) {
        throw new IOException(
            where + ": " + shown(json) + " (expected: role and content, or from and value)");
      }
      whole(text, where);
      Set<String> read = isShareGpt ? Set.of("from", "value") : Set.of("role", "content");
      for (Map.Entry<String, JsonNode> entry : json.properties()) {
        if (!read.contains(entry.getKey()) && !entry.getValue().isNull()) {
          ignored.merge(key + "[]." + entry.getKey(), 1, Integer::sum);
        }
      }
      return switch (role.textValue()) {
        case "user", "human" -> new Message(Message.USER, text);
        case "assistant", "gpt" -> new Message(Message.ASSISTANT, text);
        case "system" -> new Message(Message.SYSTEM, text);
        default ->
            throw new IOException(
                where + ": role " + shown(role) + " (expected: system, user or assistant)");
      };
    }

    /** Joins the parts of a content, all of which must be text. */
    private static String parts(JsonNode content, String where) throws IOException {
      StringBuilder text = new StringBuilder();
      for (JsonNode part : content) {
        if (!part.path("text").isTextual() || !part.path("type").asText("text").equals("text")) {
          throw new IOException(where + ": " + shown(part) + " (expected: a part with text)");
        }
        text.append(part.path("text").textValue());
      }
      return text.toString();
    }
  }
}
