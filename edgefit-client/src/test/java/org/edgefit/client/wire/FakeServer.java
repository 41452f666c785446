package org.edgefit.client.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.edgefit.client.RunSettings;
import org.edgefit.file.Sha256;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.FileOffer;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.Receipt;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.SubmitMessage;
import org.edgefit.proto.Task;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.WireCodec;

/** A server, over real gRPC, that says what a test has it say and notes what clients send. */
public final class FakeServer extends EdgeFitGrpc.EdgeFitImplBase implements AutoCloseable {

  private final Server server;
  private final BlockingQueue<Session> sessions = new LinkedBlockingQueue<>();
  private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
  private final Map<String, byte[]> files = new ConcurrentHashMap<>();
  private final Queue<Status> refusals = new ConcurrentLinkedQueue<>();

  /** What a client sent for a task: the header, and the bytes of its file. */
  public record Answer(ResultHeader header, ByteString bytes) {

    /** Returns a copy of the file's bytes. */
    public byte[] file() {
      return bytes.toByteArray();
    }
  }

  /** Starts to listen on a free port of this machine. */
  public FakeServer() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(this)
            .build()
            .start();
  }

  /** Returns the port. */
  public int port() {
    return server.getPort();
  }

  /** A client's session, from the server's side. */
  public static final class Session implements StreamObserver<ClientMessage> {
    private final BlockingQueue<ClientMessage> received = new LinkedBlockingQueue<>();
    private final StreamObserver<ServerMessage> client;

    private Session(StreamObserver<ServerMessage> client) {
      this.client = client;
    }

    @Override
    public void onNext(ClientMessage message) {
      received.add(message);
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}

    /** Returns the next message of the client. */
    public ClientMessage next() throws InterruptedException {
      ClientMessage message = received.poll(20, TimeUnit.SECONDS);
      assertThat(message).as("a message of the client").isNotNull();
      return message;
    }

    /** Returns what the client joins with. */
    public Join join() throws InterruptedException {
      return next().getJoin();
    }

    /** Returns whether the client has sent something that the test has not taken. */
    public boolean hasMore() {
      return !received.isEmpty();
    }

    /** Welcomes the client to a run. */
    public void welcome(String runId) {
      client.onNext(
          ServerMessage.newBuilder()
              .setWelcome(
                  Welcome.newBuilder()
                      .setRunId(runId)
                      .setSettings(WireCodec.toText(RunSettings.defaults())))
              .build());
    }

    /** Sends a message. */
    public void send(ServerMessage message) {
      client.onNext(message);
    }

    /** Sends a task. */
    public void send(Task.Builder task) {
      client.onNext(ServerMessage.newBuilder().setTask(task).build());
    }

    /** Tells how the run ended. */
    public void finish(Finished.End end, String detail) {
      client.onNext(
          ServerMessage.newBuilder()
              .setFinished(Finished.newBuilder().setEnd(end).setDetail(detail))
              .build());
    }

    /** Ends the session with a status, as a refusal or a broken connection does. */
    public void end(Status status) {
      client.onError(status.asException());
    }
  }

  /** Returns the next session that a client opens. */
  public Session next() throws InterruptedException {
    Session session = sessions.poll(20, TimeUnit.SECONDS);
    assertThat(session).as("a session").isNotNull();
    return session;
  }

  /** Returns the next answer that a client sent whole. */
  public Answer nextAnswer() throws InterruptedException {
    Answer answer = answers.poll(20, TimeUnit.SECONDS);
    assertThat(answer).as("an answer").isNotNull();
    return answer;
  }

  /** Has the next answer be refused. */
  public void refuseAnswer(Status status) {
    refusals.add(status);
  }

  /** Offers a file to whoever asks for it by its hash. */
  public FileOffer offer(Path file) throws IOException {
    String sha256 = Sha256.of(file);
    files.put(sha256, Files.readAllBytes(file));
    return FileOffer.newBuilder().setBytes(Files.size(file)).setSha256(sha256).build();
  }

  @Override
  public StreamObserver<ClientMessage> session(StreamObserver<ServerMessage> responses) {
    Session session = new Session(responses);
    sessions.add(session);
    return session;
  }

  @Override
  public void download(DownloadRequest request, StreamObserver<Chunk> responses) {
    byte[] file = files.get(request.getSha256());
    if (file == null) {
      responses.onError(
          Status.FAILED_PRECONDITION
              .withDescription("task " + request.getTask() + " has no such file")
              .asException());
      return;
    }
    CRC32C crc = new CRC32C();
    crc.update(file);
    responses.onNext(
        Chunk.newBuilder()
            .setData(ByteString.copyFrom(file))
            .setCrc32C((int) crc.getValue())
            .build());
    responses.onCompleted();
  }

  @Override
  public StreamObserver<SubmitMessage> submit(StreamObserver<Receipt> responses) {
    return new StreamObserver<>() {
      private final ByteArrayOutputStream file = new ByteArrayOutputStream();
      private ResultHeader header = ResultHeader.getDefaultInstance();

      @Override
      public void onNext(SubmitMessage message) {
        if (message.hasHeader()) {
          header = message.getHeader();
        } else {
          file.writeBytes(message.getChunk().getData().toByteArray());
        }
      }

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {
        Status refusal = refusals.poll();
        answers.add(new Answer(header, ByteString.copyFrom(file.toByteArray())));
        if (refusal != null) {
          responses.onError(refusal.asException());
        } else {
          responses.onNext(Receipt.newBuilder().setTask(header.getTask()).build());
          responses.onCompleted();
        }
      }
    };
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
