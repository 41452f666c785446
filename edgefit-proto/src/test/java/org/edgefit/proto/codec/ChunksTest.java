package org.edgefit.proto.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.stub.CallStreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.edgefit.proto.Chunk;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChunksTest {

  @TempDir Path temp;

  /** A call that takes so many messages before it is busy. */
  private static final class Call extends CallStreamObserver<Chunk> {
    private final List<Chunk> taken = new ArrayList<>();
    private int room;

    Call(int room) {
      this.room = room;
    }

    @Override
    public boolean isReady() {
      return room > 0;
    }

    @Override
    public void onNext(Chunk chunk) {
      room--;
      taken.add(chunk);
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void onError(Throwable error) {
      throw new AssertionError(error);
    }

    @Override
    public void onCompleted() {}
  }

  private Path file(int bytes) throws IOException {
    byte[] data = new byte[bytes];
    new Random(bytes).nextBytes(data);
    return Files.write(temp.resolve("file-" + bytes), data);
  }

  /** Returns what a file arrives as that is sent to a call with room for all of it. */
  private static byte[] sent(Path file, Call call) throws IOException {
    try (Chunks.Sender<Chunk> sender = new Chunks.Sender<>(file, chunk -> chunk)) {
      assertThat(sender.sendWhileReady(call)).isTrue();
    }
    ByteString all = ByteString.EMPTY;
    for (Chunk chunk : call.taken) {
      all = all.concat(Chunks.verified(chunk));
    }
    return all.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, Chunks.BYTES - 1, Chunks.BYTES, Chunks.BYTES + 1, 3 * Chunks.BYTES})
  void fileArrivesAsItIsInChunksOfAMebibyte(int bytes) throws IOException {
    Path file = file(bytes);
    Call call = new Call(9);
    assertThat(sent(file, call)).isEqualTo(Files.readAllBytes(file));
    assertThat(call.taken).hasSize((bytes + Chunks.BYTES - 1) / Chunks.BYTES);
    assertThat(call.taken.stream().limit(Math.max(0, call.taken.size() - 1L)))
        .allMatch(chunk -> chunk.getData().size() == Chunks.BYTES);
  }

  @Test
  void busyCallIsSentNoMoreThanItTakes() throws IOException {
    Call call = new Call(1);
    try (Chunks.Sender<Chunk> sender =
        new Chunks.Sender<>(file(2 * Chunks.BYTES), chunk -> chunk)) {
      assertThat(sender.sendWhileReady(call)).isFalse();
      assertThat(call.taken).hasSize(1);
      assertThat(sender.sendWhileReady(call)).isFalse();
      assertThat(call.taken).hasSize(1);
      call.room = 2;
      assertThat(sender.sendWhileReady(call)).isTrue();
      assertThat(call.taken).hasSize(2);
    }
  }

  @Test
  void closedSenderHoldsNoFile() throws IOException {
    Chunks.Sender<Chunk> sender = new Chunks.Sender<>(file(1), chunk -> chunk);
    sender.close();
    assertThatThrownBy(() -> sender.sendWhileReady(new Call(1)))
        .isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void checksumIsTheCastagnoliOne() {
    // RFC 3720, B.4: 32 bytes of zeros.
    assertThat(Chunks.chunk(ByteBuffer.allocate(32)).getCrc32C()).isEqualTo(0x8a9136aa);
    ByteBuffer digits = StandardCharsets.US_ASCII.encode("123456789");
    assertThat(Chunks.chunk(digits).getCrc32C()).isEqualTo(0xe3069283);
  }

  @Test
  void everyFlippedBitIsFound() throws IOException {
    Chunk whole = Chunks.chunk(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}));
    assertThat(Chunks.verified(whole).toByteArray()).containsExactly(1, 2, 3, 4, 5);
    for (int bit = 0; bit < 40; bit++) {
      byte[] data = whole.getData().toByteArray();
      data[bit / 8] ^= (byte) (1 << bit % 8);
      Chunk damaged = whole.toBuilder().setData(ByteString.copyFrom(data)).build();
      assertThatThrownBy(() -> Chunks.verified(damaged))
          .isInstanceOf(DamagedTransferException.class)
          .hasMessageContaining("CRC32C");
    }
  }

  @Test
  void chunkThatIsTooLongIsRefused() {
    Chunk chunk = Chunks.chunk(ByteBuffer.allocate(Chunks.BYTES + 1));
    assertThatThrownBy(() -> Chunks.verified(chunk))
        .isInstanceOf(DamagedTransferException.class)
        .hasMessage("chunk: 1048577 bytes (expected: at most 1048576)");
  }

  @Test
  void emptyChunkIsWhole() throws IOException {
    assertThat(Chunks.verified(Chunk.getDefaultInstance())).isEqualTo(ByteString.EMPTY);
  }
}
