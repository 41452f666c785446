package org.edgefit.proto.codec;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Sha256;
import org.edgefit.proto.Chunk;

/**
 * A file received in chunks. It is verified when complete; closing it before {@link #keep} deletes
 * it.
 */
public final class IncomingFile implements AutoCloseable {

  private final Path path;
  private final long bytes;
  private final String sha256;
  private final FileChannel channel;
  private final MessageDigest digest = Sha256.digest();
  private long received;
  private boolean isKept;

  /**
   * Starts a file; one that is there is replaced.
   *
   * @param bytes the announced length
   * @param sha256 the announced hash, in hexadecimal
   */
  public IncomingFile(Path path, long bytes, String sha256) throws IOException {
    this.path = path;
    this.bytes = bytes;
    this.sha256 = sha256;
    this.channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  /** Returns the file's path. */
  public Path path() {
    return path;
  }

  /**
   * Appends a chunk.
   *
   * @throws DamagedTransferException if its checksum is wrong, or it goes beyond the announced
   *     length
   * @throws IOException if it cannot be written
   */
  public void append(Chunk chunk) throws IOException {
    ByteString data = Chunks.verified(chunk);
    received += data.size();
    if (received > bytes) {
      throw new DamagedTransferException("more than the declared " + bytes + " bytes");
    }
    for (ByteBuffer buffer : data.asReadOnlyByteBufferList()) {
      digest.update(buffer.duplicate());
      DurableFiles.writeFully(channel, buffer, path);
    }
  }

  /**
   * Checks that the file is whole, and keeps it.
   *
   * @param isForced whether it is to be on disk when this returns
   * @throws DamagedTransferException if bytes are missing or the hash is another
   */
  public void keep(boolean isForced) throws IOException {
    if (received != bytes) {
      throw new DamagedTransferException(received + " bytes (expected: " + bytes + ")");
    }
    String actual = Sha256.hex(digest);
    if (!actual.equals(sha256)) {
      throw new DamagedTransferException("SHA-256 " + actual + " (expected: " + sha256 + ")");
    }
    if (isForced) {
      DurableFiles.force(channel, path);
    }
    channel.close();
    isKept = true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!isKept) {
      Files.deleteIfExists(path);
    }
  }
}
