package org.edgefit.format.safetensors;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;

/**
 * Writes a safetensors file tensor by tensor, with no more than one chunk of data in memory. The
 * tensors are declared first and written in that order; {@link #finish} publishes the file if all
 * are written; closing the writer before that deletes it.
 */
public final class SafetensorsWriter implements Closeable {

  private static final int CHUNK_BYTES = 1 << 16;

  private final Path path;
  private final FileChannel channel;
  private final List<StoredTensor> tensors;
  private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private int next;
  private boolean finished;

  private SafetensorsWriter(Path path, FileChannel channel, List<StoredTensor> tensors) {
    this.path = path;
    this.channel = channel;
    this.tensors = List.copyOf(tensors);
  }

  /**
   * Starts a file with these tensors.
   *
   * @param metadata strings for the header; Hugging Face's readers expect {@code format} to be pt
   */
  public static SafetensorsWriter create(
      Path path, List<StoredTensor> tensors, Map<String, String> metadata) throws IOException {
    Files.createDirectories(path.toAbsolutePath().getParent());
    ObjectNode header = Json.object();
    if (!metadata.isEmpty()) {
      ObjectNode strings = header.putObject("__metadata__");
      metadata.forEach(strings::put);
    }
    long offset = 0;
    for (StoredTensor tensor : tensors) {
      if (header.has(tensor.name())) {
        throw new IllegalArgumentException(path + ": " + tensor.name() + ": declared twice");
      }
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.type().name());
      tensor.shape().forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
      offset += tensor.bytes();
    }
    StringBuilder text = new StringBuilder(header.toString());
    byte[] unpadded = text.toString().getBytes(StandardCharsets.UTF_8);
    text.append(" ".repeat(Math.floorMod(-unpadded.length, 8)));
    byte[] headerBytes = text.toString().getBytes(StandardCharsets.UTF_8);
    FileChannel channel =
        FileChannel.open(
            DurableFiles.partOf(path),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    SafetensorsWriter writer = new SafetensorsWriter(path, channel, tensors);
    ByteBuffer prefix = ByteBuffer.allocate(8 + headerBytes.length).order(ByteOrder.LITTLE_ENDIAN);
    writer.writeFully(prefix.putLong(headerBytes.length).put(headerBytes).flip());
    return writer;
  }

  /**
   * Writes the bytes of the next tensor.
   *
   * @throws IllegalArgumentException if {@code name} is not the next tensor or has another size
   */
  public void write(String name, ByteBuffer bytes) throws IOException {
    requireNext(name, bytes.remaining());
    writeFully(bytes.duplicate());
  }

  /** Writes the values of the next tensor, which is F32. */
  public void write(String name, FloatBuffer values) throws IOException {
    requireNext(name, (long) values.remaining() * Float.BYTES);
    FloatBuffer source = values.duplicate();
    while (source.hasRemaining()) {
      chunk.clear();
      while (source.hasRemaining() && chunk.remaining() >= Float.BYTES) {
        chunk.putFloat(source.get());
      }
      writeFully(chunk.flip());
    }
  }

  private void requireNext(String name, long bytes) {
    StoredTensor expected = next < tensors.size() ? tensors.get(next) : null;
    if (expected == null || !expected.name().equals(name) || expected.bytes() != bytes) {
      throw new IllegalArgumentException(
          path + ": " + name + " of " + bytes + " bytes (expected: " + expected + ")");
    }
    next++;
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    DurableFiles.writeFully(channel, bytes, path);
  }

  /**
   * Forces the data to disk and gives the file its name.
   *
   * @throws IllegalStateException if a declared tensor was not written
   */
  public void finish() throws IOException {
    if (next != tensors.size()) {
      throw new IllegalStateException(path + ": " + tensors.get(next).name() + ": not written");
    }
    DurableFiles.force(channel, path);
    channel.close();
    DurableFiles.publish(DurableFiles.partOf(path), path);
    finished = true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!finished) {
      Files.deleteIfExists(DurableFiles.partOf(path));
    }
  }
}
