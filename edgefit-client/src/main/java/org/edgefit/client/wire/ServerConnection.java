package org.edgefit.client.wire;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.edgefit.client.ClientText;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.WireCodec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection to a run: it connects to the server, joins, passes tasks to its runner, and
 * reconnects when the connection breaks.
 */
public final class ServerConnection implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ServerConnection.class);

  private final JoinRequest request;
  private final String target;
  private final ManagedChannel channel;
  private final Transfers transfers;
  private final long instance = ThreadLocalRandom.current().nextLong();
  private final BlockingQueue<Object> messages = new LinkedBlockingQueue<>();
  private final TaskReports reporter = new TaskReports(cause -> messages.add(new Broken(cause)));
  private String runId = "";
  private volatile @Nullable TaskRunner runner;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Makes a connection, which is idle until {@link #run}. */
  public ServerConnection(String host, int port, JoinRequest request) {
    this.request = request;
    this.target = host + ":" + port;
    this.channel = ServerChannel.open(host, port);
    this.transfers = new Transfers(channel, request.patience());
  }

  /** In the queue of messages: a session ended. */
  private record End(StreamObserver<ServerMessage> session, Status status) {}

  /** In the queue of messages: the connection was closed here. */
  private record Closed() {}

  /** In the queue of messages: the client could not be made, so there is nothing to stay for. */
  private record Broken(Throwable cause) {}

  /**
   * Takes part in the run until the server says that it is over.
   *
   * @throws JoinRefusedException if the server rejects the client
   * @throws IOException if the server cannot be reached for longer than the client's patience, the
   *     run fails or is stopped at the server, the client cannot be made, or the connection is
   *     closed meanwhile
   */
  public void run() throws IOException, InterruptedException {
    Backoff backoff = new Backoff();
    long lastContact = System.nanoTime();
    boolean told = false;
    while (true) {
      Outcome outcome = oneSession();
      switch (outcome.kind()) {
        case FINISHED -> {
          return;
        }
        case FAILED -> throw new IOException(outcome.detail());
        case REFUSED -> throw new JoinRefusedException(outcome.detail());
        case LOST -> {
          if (outcome.joined()) {
            lastContact = System.nanoTime();
            backoff.reset();
            told = false;
          }
          Duration silent = Duration.ofNanos(System.nanoTime() - lastContact);
          if (silent.compareTo(request.patience()) > 0) {
            throw new IOException(
                target + ": no reply in " + silent.toSeconds() + " s: " + outcome.detail());
          }
          if (!told) {
            log.warn("{}: {}; retrying", target, outcome.detail());
            told = true;
          }
          if (closing.await(backoff.nextMillis(), TimeUnit.MILLISECONDS)) {
            throw closed();
          }
        }
      }
    }
  }

  private enum Kind {
    FINISHED,
    FAILED,
    REFUSED,
    LOST
  }

  private record Outcome(Kind kind, String detail, boolean joined) {}

  private Join join() {
    Join.Builder join =
        Join.newBuilder()
            .setProtocol(WireCodec.PROTOCOL)
            .setClientId(request.clientId())
            .setInstance(instance)
            .setBaseModelHash(request.baseModelHash())
            .putAllDescription(request.description())
            .setRunId(runId);
    if (runner != null) {
      join.addAllTasks(runner.tasks());
    }
    return join.build();
  }

  /** Joins, and handles messages until the session ends. */
  private Outcome oneSession() throws IOException, InterruptedException {
    StreamObserver<ServerMessage> incoming =
        new StreamObserver<>() {
          @Override
          public void onNext(ServerMessage message) {
            messages.add(message);
          }

          @Override
          public void onError(Throwable error) {
            messages.add(new End(this, Status.fromThrowable(error)));
          }

          @Override
          public void onCompleted() {
            messages.add(new End(this, Status.OK));
          }
        };
    StreamObserver<ClientMessage> stream = EdgeFitGrpc.newStub(channel).session(incoming);
    stream.onNext(ClientMessage.newBuilder().setJoin(join()).build());
    boolean joined = false;
    try {
      while (true) {
        Object next = messages.take();
        if (next instanceof End end) {
          if (end.session() == incoming) {
            return ended(end.status(), joined);
          }
          continue;
        }
        if (next instanceof Closed) {
          throw closed();
        }
        if (next instanceof Broken broken) {
          stream.onCompleted();
          throw new IOException(String.valueOf(broken.cause().getMessage()), broken.cause());
        }
        ServerMessage message = (ServerMessage) next;
        switch (message.getMessageCase()) {
          case WELCOME -> {
            joined = true;
            welcome(message.getWelcome());
            reporter.connected(stream);
          }
          case TASK -> requireJoined().start(message.getTask());
          case CANCEL -> requireJoined().cancel(message.getCancel().getTask());
          case FINISHED -> {
            if (runner != null) {
              runner.cancelAll();
            }
            stream.onCompleted();
            return finished(message.getFinished());
          }
          default -> log.warn("unexpected message {}", message.getMessageCase());
        }
      }
    } finally {
      reporter.disconnected();
    }
  }

  private TaskRunner requireJoined() throws IOException {
    if (runner == null) {
      throw new IOException(target + ": task before welcome");
    }
    return runner;
  }

  private static Outcome finished(Finished finished) {
    String detail = ClientText.shown(finished.getDetail());
    return switch (finished.getEnd()) {
      case DONE -> new Outcome(Kind.FINISHED, "", true);
      case STOPPED -> new Outcome(Kind.FAILED, "the server stopped the run: " + detail, true);
      default -> new Outcome(Kind.FAILED, "the run failed on the server: " + detail, true);
    };
  }

  private Outcome ended(Status status, boolean joined) {
    String detail =
        status.getDescription() == null ? status.getCode().toString() : status.getDescription();
    if (status.getCause() != null && status.getCause().getMessage() != null) {
      detail += " (" + status.getCause().getMessage() + ")";
    }
    boolean refused =
        !joined
            && switch (status.getCode()) {
              // A name in use may be this client's own, from a connection that died unnoticed.
              case FAILED_PRECONDITION, INVALID_ARGUMENT, UNIMPLEMENTED -> true;
              default -> false;
            };
    return new Outcome(refused ? Kind.REFUSED : Kind.LOST, ClientText.shown(detail), joined);
  }

  private void welcome(Welcome welcome) throws IOException {
    if (!runId.isEmpty() && !runId.equals(welcome.getRunId())) {
      throw new JoinRefusedException(
          "the server now has another run: " + welcome.getRunId() + " (expected: " + runId + ")");
    }
    runId = RunIds.require(welcome.getRunId());
    log.info("joined run {} as {}", runId, request.clientId());
    if (runner == null) {
      runner =
          new TaskRunner(
              request,
              instance,
              runId,
              WireCodec.runSettings(welcome.getSettings()),
              transfers,
              reporter);
    }
  }

  private IOException closed() {
    return new IOException(target + ": connection closed before the end of the run");
  }

  /** Closes the connection and waits for the running step. Any thread may call it. */
  @Override
  public void close() {
    closing.countDown();
    messages.add(new Closed());
    TaskRunner at = runner;
    if (at != null) {
      at.close();
    }
    channel.shutdownNow();
  }
}
