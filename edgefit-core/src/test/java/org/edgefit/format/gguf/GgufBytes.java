package org.edgefit.format.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes a GGUF file, key by key and tensor by tensor, right or wrong. */
public final class GgufBytes {

  public static final int UINT8 = 0;
  public static final int INT8 = 1;
  public static final int UINT16 = 2;
  public static final int INT16 = 3;
  public static final int UINT32 = 4;
  public static final int INT32 = 5;
  public static final int FLOAT32 = 6;
  public static final int BOOL = 7;
  public static final int STRING = 8;
  public static final int ARRAY = 9;
  public static final int UINT64 = 10;
  public static final int INT64 = 11;
  public static final int FLOAT64 = 12;

  public static final int F32 = 0;

  private final ByteArrayOutputStream keys = new ByteArrayOutputStream();
  private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int magic = GgufFile.MAGIC;
  private int version = 3;
  private int alignment = GgufFile.DEFAULT_ALIGNMENT;
  private long keyCount;
  private long tensorCount;

  public GgufBytes magic(int other) {
    magic = other;
    return this;
  }

  public GgufBytes version(int other) {
    version = other;
    return this;
  }

  /** Declares more keys or tensors than there are. */
  public GgufBytes declare(long moreKeys, long moreTensors) {
    keyCount += moreKeys;
    tensorCount += moreTensors;
    return this;
  }

  /** Writes a value with its type. */
  public GgufBytes key(String name, int type, Object value) {
    keyCount++;
    string(keys, name);
    int32(keys, type);
    value(type, value);
    return this;
  }

  public GgufBytes string(String name, String value) {
    return key(name, STRING, value);
  }

  public GgufBytes integer(String name, long value) {
    return key(name, UINT32, value);
  }

  /** Writes a list of values of one type. */
  public GgufBytes list(String name, int type, List<?> values) {
    keyCount++;
    string(keys, name);
    int32(keys, ARRAY);
    int32(keys, type);
    int64(keys, values.size());
    values.forEach(value -> value(type, value));
    return this;
  }

  /** Sets the alignment, which is a key of the file too. */
  public GgufBytes alignment(int bytes) {
    alignment = bytes;
    return integer("general.alignment", bytes);
  }

  /** Writes a float32 tensor; the dimensions are the innermost first, as in the file. */
  public GgufBytes floats(String name, List<Integer> dimensions, float... values) {
    while (data.size() % alignment != 0) {
      data.write(0);
    }
    tensor(name, dimensions, F32, data.size());
    for (float value : values) {
      int32(data, Float.floatToRawIntBits(value));
    }
    return this;
  }

  /** Writes a tensor of any type. */
  public GgufBytes data(String name, List<Integer> dimensions, int type, byte[] bytes) {
    while (data.size() % alignment != 0) {
      data.write(0);
    }
    tensor(name, dimensions, type, data.size());
    data.writeBytes(bytes);
    return this;
  }

  /** Writes what the header says of a tensor, without data. */
  public GgufBytes tensor(String name, List<Integer> dimensions, int type, long offset) {
    tensorCount++;
    string(tensors, name);
    int32(tensors, dimensions.size());
    dimensions.forEach(dimension -> int64(tensors, dimension));
    int32(tensors, type);
    int64(tensors, offset);
    return this;
  }

  public byte[] bytes() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    int32(all, magic);
    int32(all, version);
    int64(all, tensorCount);
    int64(all, keyCount);
    all.writeBytes(keys.toByteArray());
    all.writeBytes(tensors.toByteArray());
    while (all.size() % alignment != 0) {
      all.write(0);
    }
    all.writeBytes(data.toByteArray());
    return all.toByteArray();
  }

  public Path write(Path file) throws IOException {
    return Files.write(file, bytes());
  }

  private void value(int type, Object value) {
    switch (type) {
      case UINT8, INT8 -> keys.write(((Number) value).intValue());
      case UINT16, INT16 ->
          keys.writeBytes(little(2).putShort(((Number) value).shortValue()).array());
      case UINT32, INT32 -> int32(keys, ((Number) value).intValue());
      case FLOAT32 -> int32(keys, Float.floatToRawIntBits(((Number) value).floatValue()));
      case BOOL -> keys.write((Boolean) value ? 1 : 0);
      case STRING -> string(keys, (String) value);
      case UINT64, INT64 -> int64(keys, ((Number) value).longValue());
      case FLOAT64 -> int64(keys, Double.doubleToRawLongBits(((Number) value).doubleValue()));
      default -> {
        // a type that nobody knows has no value
      }
    }
  }

  private static void string(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int64(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void int32(ByteArrayOutputStream out, int value) {
    out.writeBytes(little(4).putInt(value).array());
  }

  private static void int64(ByteArrayOutputStream out, long value) {
    out.writeBytes(little(8).putLong(value).array());
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
