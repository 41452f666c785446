package org.edgefit.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.edgefit.file.TextFile;

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
  static final Map<String, List<String>> COLUMNS = columns();

  static final String MESSAGES = "messages";

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
    RecordReader reader = new RecordReader(file.toString(), columns);
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
}
