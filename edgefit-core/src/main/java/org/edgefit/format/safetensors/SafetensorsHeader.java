package org.edgefit.format.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;

/**
 * The checked header of a safetensors file.
 *
 * @param dataStart the offset of the data in the file
 * @param entries the tensors by name, in the order of their data
 * @param metadata the strings of {@code __metadata__}
 */
record SafetensorsHeader(long dataStart, Map<String, Entry> entries, Map<String, String> metadata) {

  /** The longest header that is read, in bytes; the reference implementation has the same limit. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  /** How much of a file is looked at to tell whether it is something else. */
  private static final int LOOK = 64;

  /** A tensor, and where its bytes begin and end in the data. */
  record Entry(StoredTensor tensor, long begin, long end) {}

  /**
   * Reads a header.
   *
   * @throws IOException naming file, tensor and offset if it is not valid
   */
  static SafetensorsHeader read(Path path, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      requireNoOther(path, channel);
      throw new IOException(
          path + ": " + size + " bytes (expected: at least 8, the header length)");
    }
    long headerBytes =
        SafetensorsFile.readFully(channel, 0, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES || headerBytes > size - 8) {
      requireNoOther(path, channel);
      throw new IOException(
          path
              + ": header length "
              + Long.toUnsignedString(headerBytes)
              + " at offset 0 (expected: 2 to "
              + Math.min(MAX_HEADER_BYTES, size - 8)
              + " in a file of "
              + size
              + " bytes)");
    }
    String text =
        StandardCharsets.UTF_8
            .decode(SafetensorsFile.readFully(channel, 8, (int) headerBytes))
            .toString();
    ObjectNode header = Json.parse(text, path + ": header at offset 8");
    long dataStart = 8 + headerBytes;
    requireWhole(path, header, size - dataStart);
    Map<String, String> metadata = new LinkedHashMap<>();
    List<Entry> entries = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : header.properties()) {
      if (field.getKey().equals("__metadata__")) {
        field
            .getValue()
            .properties()
            .forEach(entry -> metadata.put(entry.getKey(), entry.getValue().asText()));
      } else {
        entries.add(entry(path, field.getKey(), field.getValue()));
      }
    }
    return new SafetensorsHeader(
        dataStart,
        covering(path, entries, size - dataStart),
        Collections.unmodifiableMap(metadata));
  }

  /** Refuses a file that ends before its last tensor does. */
  private static void requireWhole(Path path, ObjectNode header, long dataBytes)
      throws IOException {
    long wanted = 0;
    for (JsonNode tensor : header) {
      wanted = Math.max(wanted, tensor.path("data_offsets").path(1).asLong());
    }
    if (wanted > dataBytes) {
      throw new IOException(
          path
              + ": truncated: "
              + dataBytes
              + " bytes of data (expected: "
              + wanted
              + ", as its header says)");
    }
  }

  /** Refuses a file that begins as another kind does, by what it is. */
  private static void requireNoOther(Path path, FileChannel channel) throws IOException {
    int length = (int) Math.min(channel.size(), LOOK);
    String other = TextFile.kindOf(SafetensorsFile.readFully(channel, 0, length).array());
    if (other != null) {
      throw new IOException(path + ": " + other + " (expected: a safetensors file)");
    }
  }

  private static Entry entry(Path path, String name, JsonNode node) throws IOException {
    String where = path + ": header at offset 8: " + name;
    JsonNode dtype = node.path("dtype");
    TensorType type = TensorType.byName(dtype.asText());
    if (type == null) {
      throw new IOException(
          where + ": dtype " + dtype + " (expected: one of " + List.of(TensorType.values()) + ")");
    }
    List<Long> shape = longs(where + ": shape", node.path("shape"));
    List<Long> offsets = longs(where + ": data_offsets", node.path("data_offsets"));
    if (offsets.size() != 2) {
      throw new IOException(where + ": data_offsets " + offsets + " (expected: two numbers)");
    }
    long begin = offsets.get(0);
    long end = offsets.get(1);
    if (begin < 0 || end < begin) {
      throw new IOException(where + ": data_offsets " + offsets + " (expected: ascending)");
    }
    StoredTensor tensor;
    try {
      tensor = new StoredTensor(name, type, shape);
    } catch (IllegalArgumentException e) {
      throw new IOException(path + ": header at offset 8: " + e.getMessage(), e);
    }
    if (tensor.bytes() != end - begin) {
      throw new IOException(
          where
              + ": "
              + (end - begin)
              + " bytes at data offset "
              + begin
              + " (expected: "
              + tensor.bytes()
              + " for "
              + type
              + " "
              + shape
              + ")");
    }
    return new Entry(tensor, begin, end);
  }

  /** Sorts entries by offset and checks that they tile the data. */
  private static Map<String, Entry> covering(Path path, List<Entry> entries, long dataBytes)
      throws IOException {
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    Map<String, Entry> byName = new LinkedHashMap<>();
    long covered = 0;
    for (Entry entry : entries) {
      if (entry.begin() != covered) {
        throw new IOException(
            path
                + ": "
                + entry.tensor().name()
                + ": data offset "
                + entry.begin()
                + (entry.begin() < covered ? " overlaps the tensor before" : " leaves a gap")
                + " (expected: "
                + covered
                + ")");
      }
      covered = entry.end();
      byName.put(entry.tensor().name(), entry);
    }
    if (covered != dataBytes) {
      throw new IOException(
          path + ": the tensors end at data offset " + covered + " (expected: " + dataBytes + ")");
    }
    return byName;
  }

  private static List<Long> longs(String what, JsonNode node) throws IOException {
    List<Long> values = new ArrayList<>();
    if (!node.isArray()) {
      throw new IOException(what + " " + node + " (expected: a list of whole numbers)");
    }
    for (JsonNode value : node) {
      if (!value.isIntegralNumber() || !value.canConvertToLong()) {
        throw new IOException(what + " " + node + " (expected: a list of whole numbers)");
      }
      values.add(value.longValue());
    }
    return values;
  }
}
