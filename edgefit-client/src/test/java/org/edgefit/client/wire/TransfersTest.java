package org.edgefit.client.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32C;
import org.edgefit.file.Sha256;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.FileOffer;
import org.edgefit.proto.Receipt;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.SubmitMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a client's transfers do with a server that does as a test says, over real gRPC. */
@Timeout(60)
class TransfersTest {

  private static final byte[] FILE = "an adapter".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path temp;
  private final FakeService service = new FakeService();
  private Server server;
  private ManagedChannel channel;
  private Transfers transfers;

  /** Answers each download by the next of its answers, and notes which calls were cancelled. */
  private static final class FakeService extends EdgeFitGrpc.EdgeFitImplBase {
    private final Deque<Chunk> chunks = new ArrayDeque<>();
    private final BlockingQueue<String> ends = new LinkedBlockingQueue<>();
    private Status refusal = Status.OK;

    @Override
    public void download(DownloadRequest request, StreamObserver<Chunk> responses) {
      ServerCallStreamObserver<Chunk> call = (ServerCallStreamObserver<Chunk>) responses;
      call.setOnCancelHandler(() -> ends.add("cancelled"));
      if (!refusal.isOk()) {
        call.onError(refusal.asException());
        return;
      }
      Chunk chunk = chunks.size() > 1 ? chunks.remove() : chunks.element();
      call.onNext(chunk);
      if (chunk.equals(whole())) {
        call.setOnCloseHandler(() -> ends.add("closed"));
        call.onCompleted();
      } // else the call is left open, as a server does that has more to send
    }

    @Override
    public StreamObserver<ClientMessage> session(StreamObserver<ServerMessage> responses) {
      return new StreamObserver<>() { // which never answers
        @Override
        public void onNext(ClientMessage message) {}

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {}
      };
    }

    @Override
    public StreamObserver<SubmitMessage> submit(StreamObserver<Receipt> responses) {
      ((ServerCallStreamObserver<Receipt>) responses)
          .setOnCancelHandler(() -> ends.add("cancelled"));
      return new StreamObserver<>() {
        @Override
        public void onNext(SubmitMessage message) {
          ends.add("began");
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {} // and never a receipt
      };
    }
  }

  private static Chunk chunk(byte[] data, int difference) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Chunk.newBuilder()
        .setData(ByteString.copyFrom(data))
        .setCrc32C((int) crc.getValue() + difference)
        .build();
  }

  private static Chunk whole() {
    return chunk(FILE, 0);
  }

  private static FileOffer offer() {
    var digest = Sha256.digest();
    digest.update(FILE);
    return FileOffer.newBuilder().setBytes(FILE.length).setSha256(Sha256.hex(digest)).build();
  }

  @BeforeEach
  void start() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(service)
            .build()
            .start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
    transfers = new Transfers(channel, Duration.ofSeconds(20));
  }

  @AfterEach
  void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private Path download() throws IOException, InterruptedException {
    Path file = temp.resolve("adapter.safetensors");
    transfers.download(DownloadRequest.getDefaultInstance(), offer(), file);
    return file;
  }

  private String nextEnd() throws InterruptedException {
    return service.ends.poll(20, TimeUnit.SECONDS);
  }

  @Test
  void fileArrivesWhole() throws Exception {
    service.chunks.add(whole());
    assertThat(download()).hasBinaryContent(FILE);
  }

  @Test
  void damagedDownloadIsFetchedAgainAndItsCallIsEnded() throws Exception {
    service.chunks.add(chunk(FILE, 1));
    service.chunks.add(chunk("another one".getBytes(StandardCharsets.US_ASCII), 0));
    service.chunks.add(whole());
    assertThat(download()).hasBinaryContent(FILE);
    assertThat(nextEnd()).isEqualTo("cancelled");
    assertThat(nextEnd()).isEqualTo("cancelled");
  }

  @Test
  void downloadThatStaysDamagedIsGivenUpWhenPatienceEnds() {
    service.chunks.add(chunk(FILE, 1));
    transfers = new Transfers(channel, Duration.ofMillis(1));
    assertThatThrownBy(this::download)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("download: chunk: CRC32C");
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void fileThatCannotBeWrittenIsNotAskedForAgain() {
    service.chunks.add(whole());
    assertThatThrownBy(
            () ->
                transfers.download(
                    DownloadRequest.getDefaultInstance(), offer(), temp.resolve("none/file")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none/file");
    assertThat(service.ends).isEmpty();
  }

  @Test
  void refusalEndsIt() {
    service.refusal = Status.FAILED_PRECONDITION.withDescription("task 7 is over");
    assertThatThrownBy(this::download)
        .isInstanceOf(Transfers.RefusedException.class)
        .hasMessage("download: task 7 is over");
  }

  /** Interrupts work once the server has seen it begin, and returns what it ended with. */
  private Throwable interrupted(Interruptible work) throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException | InterruptedException e) {
                thrown.set(e);
              }
            });
    thread.start();
    Thread.sleep(500);
    thread.interrupt();
    thread.join(20_000);
    return thrown.get();
  }

  private interface Interruptible {
    void run() throws IOException, InterruptedException;
  }

  @Test
  void connectionThatIsClosedElsewhereEndsItsRun() throws Exception {
    JoinRequest request =
        new JoinRequest(
            "home",
            "ab".repeat(32),
            List.of(),
            Map.of(),
            temp,
            temp,
            Duration.ofMinutes(1),
            run -> {
              throw new IOException("none");
            });
    for (int port : new int[] {server.getPort(), 1}) { // one that answers, and one that does not
      ServerConnection connection = new ServerConnection("127.0.0.1", port, request);
      FutureTask<Void> running =
          new FutureTask<>(
              () -> {
                connection.run();
                return null;
              });
      new Thread(running).start();
      Thread.sleep(300);
      connection.close();
      assertThatThrownBy(() -> running.get(5, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(IOException.class)
          .hasMessageContaining("connection closed before the end of the run");
    }
  }

  @Test
  void interruptedDownloadIsCancelled() throws Exception {
    service.chunks.add(chunk("an".getBytes(StandardCharsets.US_ASCII), 0)); // and no more comes
    assertThat(interrupted(this::download)).isInstanceOf(InterruptedException.class);
    assertThat(nextEnd()).isEqualTo("cancelled");
    assertThat(temp).isEmptyDirectory();
  }

  @Test
  void interruptedUploadIsCancelled() throws Exception {
    Path file = Files.write(temp.resolve("update"), FILE);
    assertThat(interrupted(() -> transfers.submit(ResultHeader.getDefaultInstance(), file)))
        .isInstanceOf(InterruptedException.class);
    BlockingQueue<String> ends = service.ends;
    String end = nextEnd();
    while ("began".equals(end)) {
      end = ends.poll(20, TimeUnit.SECONDS);
    }
    assertThat(end).isEqualTo("cancelled");
  }
}
