package org.edgefit.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.edgefit.file.Sha256;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.Join;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.SubmitMessage;
import org.edgefit.proto.Task;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.codec.WireCodec;

/** A peer that speaks the protocol by hand, and badly if a test wants it so. */
public final class RawClient implements AutoCloseable {

  public static final String HASH = "ab".repeat(32);

  final String id;
  private final ManagedChannel channel;
  private final LinkedBlockingQueue<Object> received = new LinkedBlockingQueue<>();
  private final StreamObserver<ClientMessage> session;

  /** Dials a server, and says nothing. */
  public RawClient(int port, String id) {
    this.id = id;
    this.channel = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    this.session = EdgeFitGrpc.newStub(channel).session(into(received));
  }

  /** Returns the client's id. */
  public String id() {
    return id;
  }

  public static Join join(String id) {
    return Join.newBuilder()
        .setProtocol(WireCodec.PROTOCOL)
        .setClientId(id)
        .setInstance(1)
        .setBaseModelHash(HASH)
        .build();
  }

  public RawClient joined() throws InterruptedException {
    send(join(id));
    assertThat(next().hasWelcome()).isTrue();
    return this;
  }

  public void send(Join join) {
    session.onNext(ClientMessage.newBuilder().setJoin(join).build());
  }

  public void fail(long task, String reason) {
    session.onNext(
        ClientMessage.newBuilder()
            .setTaskFailed(TaskFailed.newBuilder().setTask(task).setReason(reason))
            .build());
  }

  /** Returns the next message, or the error's text. */
  public Object nextOrError() throws InterruptedException {
    return received.poll(20, TimeUnit.SECONDS);
  }

  public ServerMessage next() throws InterruptedException {
    Object message = nextOrError();
    assertThat(message).isInstanceOf(ServerMessage.class);
    return (ServerMessage) message;
  }

  public Task nextTask() throws InterruptedException {
    ServerMessage message = next();
    while (message.hasCancel()) {
      message = next();
    }
    assertThat(message.hasTask()).as("%s", message).isTrue();
    return message.getTask();
  }

  /** Fetches the adapter of a task, and returns its bytes. */
  public long download(Task task) {
    DownloadRequest request =
        DownloadRequest.newBuilder()
            .setRunId("test")
            .setClientId(id)
            .setInstance(1)
            .setTask(task.getTask())
            .setSha256(task.getAdapter().getSha256())
            .build();
    long bytes = 0;
    Iterator<Chunk> chunks = EdgeFitGrpc.newBlockingStub(channel).download(request);
    while (chunks.hasNext()) {
      bytes += chunks.next().getData().size();
    }
    return bytes;
  }

  /** An upload that a test sends piece by piece. */
  final class Submission {
    final LinkedBlockingQueue<Object> replies = new LinkedBlockingQueue<>();
    final StreamObserver<SubmitMessage> call = EdgeFitGrpc.newStub(channel).submit(into(replies));

    /** Returns the receipt's or the error's text. */
    String reply() throws InterruptedException {
      return String.valueOf(replies.poll(20, TimeUnit.SECONDS));
    }
  }

  Submission submission() {
    return new Submission();
  }

  public String submit(SubmitMessage... messages) throws InterruptedException {
    Submission submission = submission();
    Arrays.stream(messages).forEach(submission.call::onNext);
    submission.call.onCompleted();
    return submission.reply();
  }

  public ResultHeader.Builder header(Task task, byte[] file) {
    var digest = Sha256.digest();
    digest.update(file);
    return ResultHeader.newBuilder()
        .setRunId("test")
        .setClientId(id)
        .setInstance(1)
        .setTask(task.getTask())
        .setBytes(file.length)
        .setSha256(Sha256.hex(digest))
        .setExamples(1)
        .setLabelTokens(1)
        .putAllMetrics(Map.of("loss", 1.0));
  }

  public static SubmitMessage message(ResultHeader.Builder header) {
    return SubmitMessage.newBuilder().setHeader(header).build();
  }

  public static SubmitMessage chunk(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return chunk(data, (int) crc.getValue());
  }

  static SubmitMessage chunk(byte[] data, int crc) {
    return SubmitMessage.newBuilder()
        .setChunk(Chunk.newBuilder().setData(ByteString.copyFrom(data)).setCrc32C(crc))
        .build();
  }

  private static <T> StreamObserver<T> into(LinkedBlockingQueue<Object> queue) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T value) {
        queue.add(value);
      }

      @Override
      public void onError(Throwable error) {
        queue.add(String.valueOf(error.getMessage()));
      }

      @Override
      public void onCompleted() {}
    };
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
