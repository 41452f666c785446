package org.edgefit.format.gguf;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.file.TextFile;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF file, version 2 or 3, little-endian: metadata and tensors. Values of the metadata are
 * {@code Long}, {@code Double}, {@code Boolean}, {@code String} or a list of these.
 */
public final class GgufFile implements Closeable {

  public static final int MAGIC = 0x46554747; // "GGUF"
  public static final int DEFAULT_ALIGNMENT = 32;

  private static final long MOST_ENTRIES = 1 << 20;
  private static final long MOST_ELEMENTS = 1 << 26;
  private static final long MOST_STRING_BYTES = 1 << 26;

  /**
   * A tensor.
   *
   * @param shape row-major, outermost first, as Hugging Face writes it
   * @param offset where its data begin in the file
   */
  public record Tensor(String name, GgufType type, List<Long> shape, long offset) {

    public long elements() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    public long bytes() {
      return type.bytes(elements());
    }
  }

  private final Path path;
  private final FileChannel channel;
  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private GgufFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Opens a file and reads all but its tensors' data.
   *
   * @throws IOException naming what is broken or not supported
   */
  public static GgufFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path);
    try {
      GgufFile file = new GgufFile(path, channel);
      file.new Header().read();
      return file;
    } catch (EOFException e) {
      channel.close();
      throw new IOException(path + ": truncated header", e);
    } catch (ArithmeticException e) {
      channel.close();
      throw new IOException(path + ": a tensor of more than 2^63 values", e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  public Path path() {
    return path;
  }

  /** Returns the tensors by name, in the order of the file. */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** Returns a value of the metadata, or null. */
  public @Nullable Object find(String key) {
    return metadata.get(key);
  }

  /** Returns an integer of the metadata. */
  public int integer(String key) throws IOException {
    if (metadata.get(key) instanceof Long number && number >= 0 && number <= Integer.MAX_VALUE) {
      return number.intValue();
    }
    throw refused(key, "an integer");
  }

  /** Returns an integer of the metadata, or another value where there is none. */
  public int integer(String key, int otherwise) throws IOException {
    return metadata.containsKey(key) ? integer(key) : otherwise;
  }

  /** Returns a number of the metadata, or another value where there is none. */
  public double number(String key, double otherwise) throws IOException {
    Object value = metadata.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw refused(key, "a number");
  }

  /** Returns a string of the metadata, or another where there is none. */
  public String string(String key, String otherwise) {
    return metadata.get(key) instanceof String text ? text : otherwise;
  }

  /** Returns a list of the metadata, which is empty where there is none. */
  <T> List<T> list(String key, Class<T> type) throws IOException {
    Object value = metadata.get(key);
    if (value == null) {
      return List.of();
    }
    List<T> list = new ArrayList<>();
    if (value instanceof List<?> elements) {
      for (Object element : elements) {
        if (!type.isInstance(element)) {
          throw refused(key, "a list of " + type.getSimpleName());
        }
        list.add(type.cast(element));
      }
      return list;
    }
    throw refused(key, "a list");
  }

  /** Returns an error about a key of the metadata. */
  public IOException refused(String key, String expected) {
    Object value = metadata.get(key);
    String shown = value instanceof List<?> list ? "a list of " + list.size() : "" + value;
    return new IOException(
        path
            + ": "
            + key
            + ": "
            + (value == null ? "missing" : shown)
            + " (expected: "
            + expected
            + ")");
  }

  /** Reads bytes of a tensor into {@code out}, which is filled. */
  public void read(Tensor tensor, long from, ByteBuffer out) throws IOException {
    long at = tensor.offset() + from;
    while (out.hasRemaining()) {
      int read = channel.read(out, at);
      if (read < 0) {
        throw new IOException(path + ": " + tensor.name() + ": unexpected end of file");
      }
      at += read;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** One reading of the header. */
  private final class Header {
    private final Counted counted = new Counted(Channels.newInputStream(channel));
    private final DataInputStream in = new DataInputStream(counted);

    private String kind() throws IOException {
      byte[] start = new byte[(int) Math.min(512, channel.size())];
      channel.read(ByteBuffer.wrap(start), 0);
      String kind = TextFile.kindOf(start);
      return kind == null ? "something else" : kind;
    }

    void read() throws IOException {
      int magic = int32();
      int version = int32();
      if (magic != MAGIC) {
        throw new IOException(path + ": " + kind() + " (expected: a GGUF file)");
      }
      if (version != 2 && version != 3) {
        throw new IOException(path + ": version " + version + " (expected: 2 or 3)");
      }
      long tensorCount = count("tensors", MOST_ENTRIES);
      long keyCount = count("metadata", MOST_ENTRIES);
      for (long i = 0; i < keyCount; i++) {
        String key = string();
        if (metadata.put(key, value(key, int32())) != null) {
          throw new IOException(path + ": " + key + ": duplicate");
        }
      }
      if (metadata.containsKey("split.count") && integer("split.count") > 1) {
        throw refused("split.count", "a model in one file");
      }
      List<Tensor> relative = new ArrayList<>();
      for (long i = 0; i < tensorCount; i++) {
        relative.add(tensor());
      }
      int alignment = integer("general.alignment", DEFAULT_ALIGNMENT);
      if (alignment < 1) {
        throw refused("general.alignment", "an integer > 0");
      }
      long dataStart = (counted.position + alignment - 1) / alignment * alignment;
      for (Tensor tensor : relative) {
        long offset = dataStart + tensor.offset();
        if (tensor.offset() < 0 || offset > channel.size() - tensor.bytes()) {
          throw new IOException(path + ": " + tensor.name() + ": beyond the end of the file");
        }
        Tensor placed = new Tensor(tensor.name(), tensor.type(), tensor.shape(), offset);
        if (tensors.put(tensor.name(), placed) != null) {
          throw new IOException(path + ": " + tensor.name() + ": duplicate");
        }
      }
    }

    private Tensor tensor() throws IOException {
      String name = string();
      int dimensions = int32();
      if (dimensions < 1 || dimensions > 4) {
        throw new IOException(path + ": " + name + ": " + dimensions + " dimensions");
      }
      List<Long> shape = new ArrayList<>();
      for (int i = 0; i < dimensions; i++) {
        long size = int64();
        if (size < 1 || size > 1L << 40) {
          throw new IOException(path + ": " + name + ": dimension " + size);
        }
        shape.add(0, size); // the file has the innermost first
      }
      int code = int32();
      GgufType type = GgufType.of(code);
      if (type == null) {
        throw new IOException(
            path
                + ": "
                + name
                + ": ggml type "
                + code
                + " (expected: one of "
                + List.of(GgufType.values())
                + ")");
      }
      if (shape.get(shape.size() - 1) % type.blockValues() != 0) {
        throw new IOException(
            path + ": " + name + ": shape " + shape + " does not fill blocks of " + type);
      }
      return new Tensor(name, type, List.copyOf(shape), int64());
    }

    private Object value(String key, int type) throws IOException {
      return switch (type) {
        case 0 -> (long) in.readUnsignedByte();
        case 1 -> (long) in.readByte();
        case 2 -> (long) (Short.reverseBytes(in.readShort()) & 0xffff);
        case 3 -> (long) Short.reverseBytes(in.readShort());
        case 4 -> int32() & 0xffffffffL;
        case 5 -> (long) int32();
        case 6 -> (double) Float.intBitsToFloat(int32());
        case 7 -> in.readByte() != 0;
        case 8 -> string();
        case 9 -> array(key);
        case 10, 11 -> int64();
        case 12 -> Double.longBitsToDouble(int64());
        default -> throw new IOException(path + ": " + key + ": value type " + type);
      };
    }

    private List<Object> array(String key) throws IOException {
      int type = int32();
      if (type == 9) {
        throw new IOException(path + ": " + key + ": a list of lists");
      }
      long count = count(key, MOST_ELEMENTS);
      List<Object> values = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        values.add(value(key, type));
      }
      return Collections.unmodifiableList(values);
    }

    private long count(String what, long most) throws IOException {
      long count = int64();
      if (count < 0 || count > most) {
        throw new IOException(path + ": " + what + ": " + count + " entries");
      }
      return count;
    }

    private String string() throws IOException {
      long length = int64();
      if (length < 0 || length > MOST_STRING_BYTES || length > channel.size()) {
        throw new IOException(path + ": a string of " + length + " bytes in the header");
      }
      return new String(in.readNBytes((int) length), StandardCharsets.UTF_8);
    }

    private int int32() throws IOException {
      return Integer.reverseBytes(in.readInt());
    }

    private long int64() throws IOException {
      return Long.reverseBytes(in.readLong());
    }
  }

  /** A stream that knows how far it has been read. */
  private static final class Counted extends InputStream {
    private final InputStream in;
    private long position;

    Counted(InputStream in) {
      this.in = new BufferedInputStream(in, 1 << 16);
    }

    @Override
    public int read() throws IOException {
      int value = in.read();
      position += value < 0 ? 0 : 1;
      return value;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int count = in.read(bytes, offset, length);
      position += Math.max(0, count);
      return count;
    }
  }

  /** Returns an empty buffer for so many bytes, in the order of the file. */
  public static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
