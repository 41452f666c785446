package org.edgefit.format.safetensors;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.file.FileFault;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file, read by memory mapping.
 *
 * <p>Layout: 8 bytes of header length, little-endian; the header, a JSON object from tensor name to
 * {@code dtype}, {@code shape} and {@code data_offsets}; then the data. The whole header is checked
 * when the file is opened: the tensors must cover the data without a gap or an overlap, and each
 * must have the bytes that its type and shape ask for. A mapping stays valid after {@link #close}.
 */
public final class SafetensorsFile implements Closeable {

  /** The bytes that are read at a time. */
  private static final int PART_BYTES = 1 << 20;

  private final Path path;
  private final FileChannel channel;
  private ByteBuffer part = ByteBuffer.allocate(0);
  private final SafetensorsHeader header;

  private SafetensorsFile(Path path, FileChannel channel, SafetensorsHeader header) {
    this.path = path;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws IOException naming file, tensor and offset if the file is not a valid safetensors file
   */
  public static SafetensorsFile open(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      throw new IOException(path + ": a directory (expected: a safetensors file)");
    }
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (NoSuchFileException e) {
      throw new NoSuchFileException(path + ": no such file");
    }
    try {
      return new SafetensorsFile(path, channel, SafetensorsHeader.read(path, channel));
    } catch (IOException e) {
      channel.close();
      throw isOurs(e, path) ? e : FileFault.named(path, e);
    } catch (RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static boolean isOurs(IOException e, Path path) {
    return String.valueOf(e.getMessage()).startsWith(path.toString());
  }

  static ByteBuffer readFully(FileChannel channel, long position, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    fill(channel, position, buffer);
    return buffer.flip();
  }

  private static void fill(FileChannel channel, long position, ByteBuffer out) throws IOException {
    long at = position;
    while (out.hasRemaining()) {
      int read = channel.read(out, at);
      if (read < 0) {
        throw new IOException("unexpected end of file");
      }
      at += read;
    }
  }

  /** Returns the file's path. */
  public Path path() {
    return path;
  }

  /** Returns the tensors in the order of their data. */
  public Collection<StoredTensor> tensors() {
    return header.entries().values().stream().map(SafetensorsHeader.Entry::tensor).toList();
  }

  /** Returns the strings of the header's {@code __metadata__}. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Returns the tensor called {@code name}, or null. */
  public @Nullable StoredTensor find(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    return entry == null ? null : entry.tensor();
  }

  /**
   * Returns the name and shape that the header declares for a tensor.
   *
   * @throws IOException if there is no such tensor, or its shape is none of an adapter's
   */
  public TensorSpec spec(String name) throws IOException {
    StoredTensor tensor = tensor(name);
    try {
      return new TensorSpec(name, tensor.shape().stream().map(Math::toIntExact).toList());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IOException(path + ": " + tensor + ": " + e.getMessage(), e);
    }
  }

  /**
   * Returns the tensor called {@code name}.
   *
   * @throws IOException if the file has none
   */
  public StoredTensor tensor(String name) throws IOException {
    return require(name).tensor();
  }

  private SafetensorsHeader.Entry require(String name) throws IOException {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new IOException(path + ": " + name + ": no such tensor");
    }
    return entry;
  }

  /**
   * Maps a tensor's bytes, little-endian and read-only.
   *
   * @throws IOException if there is no such tensor, or it has 2 GiB or more
   */
  public ByteBuffer map(String name) throws IOException {
    SafetensorsHeader.Entry entry = require(name);
    long bytes = entry.end() - entry.begin();
    if (bytes > Integer.MAX_VALUE) {
      throw new IOException(
          path + ": " + name + ": " + bytes + " bytes (expected: fewer than 2^31 in one tensor)");
    }
    return channel
        .map(FileChannel.MapMode.READ_ONLY, header.dataStart() + entry.begin(), bytes)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads a tensor's bytes into a new heap buffer, little-endian; for small tensors. */
  public ByteBuffer read(String name) throws IOException {
    SafetensorsHeader.Entry entry = require(name);
    return readFully(
            channel,
            header.dataStart() + entry.begin(),
            Math.toIntExact(entry.end() - entry.begin()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns all F32 tensors of a small file as views of one mapping of it.
   *
   * @throws IOException if a tensor is not F32, or the data has 2 GiB or more
   */
  public Map<String, FloatBuffer> mapAllFloats() throws IOException {
    long bytes = channel.size() - header.dataStart();
    if (bytes > Integer.MAX_VALUE) {
      throw new IOException(path + ": " + bytes + " bytes of data (expected: fewer than 2^31)");
    }
    ByteBuffer data =
        channel
            .map(FileChannel.MapMode.READ_ONLY, header.dataStart(), bytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    Map<String, FloatBuffer> floats = new LinkedHashMap<>();
    for (SafetensorsHeader.Entry entry : header.entries().values()) {
      StoredTensor tensor = entry.tensor();
      if (tensor.type() != TensorType.F32) {
        throw new IOException(
            path + ": " + tensor.name() + ": dtype " + tensor.type() + " (expected: F32)");
      }
      floats.put(
          tensor.name(),
          data.slice((int) entry.begin(), (int) (entry.end() - entry.begin()))
              .order(ByteOrder.LITTLE_ENDIAN)
              .asFloatBuffer());
    }
    return floats;
  }

  /**
   * Copies a floating-point tensor, widened to float32.
   *
   * @throws IOException if the tensor is not F32, F16 or BF16
   */
  public FloatBuffer floats(String name) throws IOException {
    StoredTensor tensor = tensor(name);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    copyFloats(name, FloatBuffer.wrap(values));
    return FloatBuffer.wrap(values);
  }

  /** Copies a floating-point tensor, widened to float32, into {@code out}, which it fills. */
  public void copyFloats(String name, FloatBuffer out) throws IOException {
    copyFloats(name, 0, out);
  }

  /**
   * Copies values of a floating-point tensor, widened to float32. They are read, not mapped: mapped
   * pages would stay in RSS.
   *
   * @param from the first value
   * @param out is filled, from its position to its limit
   */
  public synchronized void copyFloats(String name, long from, FloatBuffer out) throws IOException {
    SafetensorsHeader.Entry entry = require(name);
    TensorType type = entry.tensor().type();
    if (type != TensorType.F32 && type != TensorType.F16 && type != TensorType.BF16) {
      throw new IOException(
          path + ": " + name + ": dtype " + type + " (expected: one of F32, F16, BF16)");
    }
    if (from < 0 || from > entry.tensor().elements() - out.remaining()) {
      throw new IOException(
          path
              + ": "
              + name
              + ": values "
              + from
              + " to "
              + (from + out.remaining())
              + " (expected: within "
              + entry.tensor().elements()
              + ")");
    }
    long position = header.dataStart() + entry.begin() + from * type.bytes();
    if (part.capacity() < Math.min(PART_BYTES, (long) out.remaining() * type.bytes())) {
      part = ByteBuffer.allocateDirect(PART_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }
    while (out.hasRemaining()) {
      int values = Math.min(out.remaining(), part.capacity() / type.bytes());
      part.clear().limit(values * type.bytes());
      fill(channel, position, part);
      position += part.limit();
      switch (type) {
        case F32 -> out.put(part.flip().asFloatBuffer());
        case BF16 -> {
          for (int i = 0; i < values; i++) {
            out.put(Float.intBitsToFloat(part.getShort(2 * i) << 16));
          }
        }
        default -> {
          for (int i = 0; i < values; i++) {
            out.put(HalfFloat.toFloat(part.getShort(2 * i)));
          }
        }
      }
    }
  }

  /** Copies all bytes of a tensor into {@code out}, which it fills. */
  public void copyBytes(String name, ByteBuffer out) throws IOException {
    SafetensorsHeader.Entry entry = require(name);
    fill(channel, header.dataStart() + entry.begin(), out);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
