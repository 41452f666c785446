package org.edgefit.proto.codec;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.stub.CallStreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.edgefit.proto.Chunk;

/** Files as chunks, each with its checksum. */
public final class Chunks {

  /** The most bytes of a chunk. */
  public static final int BYTES = 1 << 20;

  /** The most bytes of a message: a chunk and what surrounds it. */
  public static final int MESSAGE_BYTES = BYTES + (64 << 10);

  private Chunks() {}

  /** Returns a chunk with its checksum. */
  static Chunk chunk(ByteBuffer data) {
    CRC32C crc = new CRC32C();
    crc.update(data.duplicate());
    return Chunk.newBuilder()
        .setData(UnsafeByteOperations.unsafeWrap(data))
        .setCrc32C((int) crc.getValue())
        .build();
  }

  /**
   * Returns a chunk's data.
   *
   * @throws DamagedTransferException if the checksum is not that of the data, or the chunk is too
   *     long
   */
  public static ByteString verified(Chunk chunk) throws DamagedTransferException {
    ByteString data = chunk.getData();
    if (data.size() > BYTES) {
      throw new DamagedTransferException(
          "chunk: " + data.size() + " bytes (expected: at most " + BYTES + ")");
    }
    CRC32C crc = new CRC32C();
    for (ByteBuffer part : data.asReadOnlyByteBufferList()) {
      crc.update(part);
    }
    if ((int) crc.getValue() != chunk.getCrc32C()) {
      throw new DamagedTransferException(
          "chunk: CRC32C "
              + Integer.toHexString((int) crc.getValue())
              + " (expected: "
              + Integer.toHexString(chunk.getCrc32C())
              + ")");
    }
    return data;
  }

  /**
   * Sends a file in chunks whenever the call is ready for one, so that only a few are in memory,
   * however slow the receiver. {@link #sendWhileReady} is called from the call's ready handler.
   *
   * @param <M> the type of the messages
   */
  public static final class Sender<M> implements AutoCloseable {
    private final FileChannel file;
    private final Function<Chunk, M> wrap;

    /** Opens the file. */
    public Sender(Path path, Function<Chunk, M> wrap) throws IOException {
      this.file = FileChannel.open(path, StandardOpenOption.READ);
      this.wrap = wrap;
    }

    /**
     * Sends chunks while the call takes them.
     *
     * @return whether the whole file has been sent
     */
    public boolean sendWhileReady(CallStreamObserver<M> call) throws IOException {
      while (call.isReady()) {
        ByteBuffer data = ByteBuffer.allocate(BYTES);
        int read = 0;
        while (data.hasRemaining() && read >= 0) {
          read = file.read(data);
        }
        if (data.flip().hasRemaining()) {
          call.onNext(wrap.apply(chunk(data)));
        } else {
          return true;
        }
      }
      return false;
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
