package org.edgefit.proto.codec;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import org.edgefit.format.DurableFiles;
import org.edgefit.format.Sha256;
import org.edgefit.proto.Chunk;

/**
 * A file that arrives in chunks: written beside its place as they come, and given its name when it
 * is whole and has the announced hash. Closed before that, it leaves nothing.
 */
public final class IncomingFile implements AutoCloseable {

  private final Path path;
  private final Path part;
  private final long bytes;
  private final String sha256;
  private final FileChannel channel;
  private final MessageDigest digest = Sha256.digest();
  private long received;
  private boolean verified;
  private boolean published;

  /**
   * Starts a file.
   *
   * @param bytes the announced length
   * @param sha256 the announced hash, in hexadecimal
   * @param writer a name for the unfinished file, so that two transfers never share one
   */
  public IncomingFile(Path path, long bytes, String sha256, String writer) throws IOException {
    this.path = path;
    this.part = path.resolveSibling(path.getFileName() + "." + writer + ".part");
    this.bytes = bytes;
    this.sha256 = sha256;
    this.channel =
        FileChannel.open(
            part,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  /**
   * Appends a chunk.
   *
   * @throws IOException if its checksum is wrong, or it goes beyond the announced length
   */
  public void append(Chunk chunk) throws IOException {
    ByteString data = Chunks.verified(chunk);
    received += data.size();
    if (received > bytes) {
      throw new IOException(path.getFileName() + ": more than the announced " + bytes + " bytes");
    }
    for (ByteBuffer buffer : data.asReadOnlyByteBufferList()) {
      digest.update(buffer.duplicate());
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    }
  }

  /**
   * Checks that the file is whole, and forces it to disk.
   *
   * @throws IOException if bytes are missing or the hash is another
   */
  public void verify() throws IOException {
    if (received != bytes) {
      throw new IOException(
          path.getFileName() + ": " + received + " bytes (expected: " + bytes + ")");
    }
    String actual = Sha256.hex(digest);
    if (!actual.equals(sha256)) {
      throw new IOException(
          path.getFileName() + ": SHA-256 " + actual + " (expected: " + sha256 + ")");
    }
    channel.force(true);
    channel.close();
    verified = true;
  }

  /** Gives the verified file its name. */
  public void publish() throws IOException {
    if (!verified) {
      throw new IllegalStateException(part + ": not verified");
    }
    DurableFiles.publish(part, path);
    published = true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!published) {
      Files.deleteIfExists(part);
    }
  }
}
