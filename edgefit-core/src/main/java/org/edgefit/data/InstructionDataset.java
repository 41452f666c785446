package org.edgefit.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.edgefit.format.DurableFiles;
import org.edgefit.format.Json;
import org.jspecify.annotations.Nullable;

/**
 * A list of instruction records.
 *
 * @param records the records, in order
 */
public record InstructionDataset(List<InstructionRecord> records) {

  /** Keeps its own list. */
  public InstructionDataset {
    records = List.copyOf(records);
  }

  /**
   * Reads a file of JSON objects, one a line, with Dolly's keys: {@code instruction}, {@code
   * response} and, where there are such, {@code context}, {@code category} and {@code label}. Other
   * keys and blank lines are passed over.
   *
   * @throws IOException naming the line and key if a line is not such an object
   */
  public static InstructionDataset jsonl(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      return jsonl(reader, file.toString());
    }
  }

  /**
   * Reads JSON objects as {@link #jsonl(Path)} does, from anywhere.
   *
   * @param what what is read, for errors
   */
  public static InstructionDataset jsonl(BufferedReader reader, String what) throws IOException {
    List<InstructionRecord> records = new ArrayList<>();
    int line = 0;
    try {
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        line++;
        if (line == 1 && text.startsWith("\uFEFF")) { // the mark that some editors begin with
          text = text.substring(1);
        }
        if (!text.isBlank()) {
          records.add(record(what + ": line " + line, text));
        }
      }
    } catch (MalformedInputException e) {
      throw new IOException(what + ": not UTF-8 text after line " + line, e);
    }
    return new InstructionDataset(records);
  }

  private static InstructionRecord record(String where, String text) throws IOException {
    ObjectNode json = Json.parse(text, where);
    try {
      return new InstructionRecord(
          required(json, "instruction", where),
          optional(json, "context", where),
          required(json, "response", where),
          optional(json, "category", where),
          optional(json, "label", where));
    } catch (IllegalArgumentException e) {
      throw new IOException(where + ": " + e.getMessage(), e);
    }
  }

  private static String required(ObjectNode json, String key, String where) throws IOException {
    String value = optional(json, key, where);
    if (value == null) {
      throw new IOException(where + ": " + key + ": missing (expected: a string)");
    }
    return value;
  }

  private static @Nullable String optional(ObjectNode json, String key, String where)
      throws IOException {
    JsonNode value = json.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    if (!value.isTextual()) {
      throw new IOException(where + ": " + key + ": " + value + " (expected: a string)");
    }
    return value.textValue();
  }

  /** Writes the records as {@link #jsonl} reads them. */
  public void write(Path file) throws IOException {
    StringBuilder text = new StringBuilder();
    for (InstructionRecord record : records) {
      ObjectNode json = Json.object();
      json.put("instruction", record.instruction());
      if (record.context() != null) {
        json.put("context", record.context());
      }
      json.put("response", record.response());
      if (record.category() != null) {
        json.put("category", record.category());
      }
      if (record.label() != null) {
        json.put("label", record.label());
      }
      text.append(json).append('\n');
    }
    DurableFiles.write(file, text.toString());
  }

  /** Returns the number of records. */
  public int size() {
    return records.size();
  }

  /** Returns the records that pass. */
  public InstructionDataset filter(Predicate<InstructionRecord> keep) {
    return new InstructionDataset(records.stream().filter(keep).toList());
  }

  /** Returns the different labels, sorted. */
  public List<String> labels() {
    return records.stream()
        .map(InstructionRecord::label)
        .filter(Objects::nonNull)
        .distinct()
        .sorted()
        .toList();
  }
}
