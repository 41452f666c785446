package org.edgefit.client.wire;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.format.AdapterFile;
import org.edgefit.format.Sha256;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.EvaluateReport;
import org.edgefit.proto.EvaluateTask;
import org.edgefit.proto.FitTask;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.TaskFailed;
import org.edgefit.proto.UpdateHeader;
import org.edgefit.proto.Welcome;
import org.edgefit.proto.codec.Chunks;
import org.edgefit.proto.codec.IncomingFile;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's side of a run: it dials the server, joins, waits for tasks, and comes back when the
 * connection breaks. One thread reads the session, another works on the tasks.
 */
public final class ServerConnection implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ServerConnection.class);

  private final JoinRequest request;
  private final String target;
  private final ManagedChannel channel;
  private final long instance = ThreadLocalRandom.current().nextLong();
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "edgefit-training");
            thread.setDaemon(true);
            return thread;
          });

  private final BlockingQueue<Object> messages = new LinkedBlockingQueue<>();
  private final Object reporting = new Object();
  private @Nullable StreamObserver<ClientMessage> session; // guarded by reporting
  private @Nullable ClientMessage unsent; // guarded by reporting
  private volatile int busyRound;
  private @Nullable String runId;
  private @Nullable Future<?> current;
  private @Nullable Future<FederatedClient> client;

  /** Makes a connection, which does nothing before {@link #run}. */
  public ServerConnection(String host, int port, JoinRequest request) {
    this.request = request;
    this.target = host + ":" + port;
    this.channel =
        NettyChannelBuilder.forAddress(host, port)
            .usePlaintext()
            .maxInboundMessageSize(Chunks.MESSAGE_BYTES)
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            .build();
  }

  /** In the queue of messages: a session ended. */
  private record End(StreamObserver<ServerMessage> session, Status status) {}

  /** In the queue of messages: the client could not be made, so there is nothing to stay for. */
  private record Broken(Throwable cause) {}

  /**
   * Takes part in the run until the server says that it is over.
   *
   * @throws JoinRefusedException if the server does not take the client in
   * @throws IOException if the server cannot be reached for longer than the client's patience, the
   *     run fails at the server, or the client cannot be made
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
                target + ": not reached in " + silent.toSeconds() + " s: " + outcome.detail());
          }
          if (!told) {
            log.warn("{}: {}; trying again", target, outcome.detail());
            told = true;
          }
          backoff.sleep();
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
    stream.onNext(
        ClientMessage.newBuilder()
            .setJoin(
                Join.newBuilder()
                    .setProtocol(WireCodec.PROTOCOL)
                    .setClientId(request.clientId())
                    .setInstance(instance)
                    .setBaseModelHash(request.baseModelHash())
                    .putAllDescription(request.description())
                    .setBusyRound(busyRound))
            .build());
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
        if (next instanceof Broken broken) {
          stream.onCompleted();
          throw new IOException(String.valueOf(broken.cause().getMessage()), broken.cause());
        }
        ServerMessage message = (ServerMessage) next;
        switch (message.getMessageCase()) {
          case WELCOME -> {
            joined = true;
            connected(stream);
            welcome(message.getWelcome());
          }
          case FIT -> start(message.getFit().getRound(), false, () -> fit(message.getFit()));
          case EVALUATE ->
              start(message.getEvaluate().getRound(), true, () -> evaluate(message.getEvaluate()));
          case FINISHED -> {
            stopTask();
            stream.onCompleted();
            String failure = message.getFinished().getFailure();
            return failure.isEmpty()
                ? new Outcome(Kind.FINISHED, "", true)
                : new Outcome(Kind.FAILED, "the run failed at the server: " + failure, true);
          }
          default -> log.warn("unexpected message {}", message.getMessageCase());
        }
      }
    } finally {
      synchronized (reporting) {
        session = null;
      }
    }
  }

  /** Makes a session the one that reports go to, and sends one that found none. */
  private void connected(StreamObserver<ClientMessage> stream) {
    synchronized (reporting) {
      session = stream;
      if (unsent != null) {
        stream.onNext(unsent);
        unsent = null;
      }
    }
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
    return new Outcome(refused ? Kind.REFUSED : Kind.LOST, detail, joined);
  }

  private void welcome(Welcome welcome) throws JoinRefusedException {
    if (runId != null && !runId.equals(welcome.getRunId())) {
      throw new JoinRefusedException(
          "the server has another run now: " + welcome.getRunId() + " (expected: " + runId + ")");
    }
    runId = welcome.getRunId();
    log.info("joined run {} as {}", welcome.getRunId(), request.clientId());
    if (client == null) {
      client =
          worker.submit(
              () -> {
                try {
                  return request.clients().create(WireCodec.fromMessage(welcome.getTraining()));
                } catch (IOException | RuntimeException | Error e) {
                  messages.add(new Broken(e));
                  throw e;
                }
              });
    }
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  /**
   * Starts a task, and stops the one before: the server has moved on. Whatever the task dies of is
   * reported, so that the server does not wait for it.
   */
  private void start(int round, boolean evaluate, Work work) {
    stopTask();
    busyRound = evaluate ? 0 : round;
    current =
        worker.submit(
            () -> {
              try {
                work.run();
              } catch (InterruptedException e) {
                log.info("round {}: stopped", round);
              } catch (TooLateException e) {
                log.warn("round {}: {}", round, e.getMessage());
              } catch (IOException e) {
                reportFailure(round, evaluate, e);
              } catch (RuntimeException | Error e) {
                log.error("round {}", round, e);
                reportFailure(round, evaluate, e);
              } finally {
                if (busyRound == round) {
                  busyRound = 0;
                }
              }
            });
  }

  /** The server has recorded an outcome already, so there is nothing to report. */
  private static final class TooLateException extends IOException {
    private static final long serialVersionUID = 1;

    TooLateException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private void stopTask() {
    if (current != null) {
      current.cancel(true);
    }
  }

  private FederatedClient client() throws IOException, InterruptedException {
    Future<FederatedClient> made = client;
    if (made == null) {
      throw new IllegalStateException("a task came before the welcome");
    }
    try {
      return made.get();
    } catch (ExecutionException e) {
      throw new IOException("the client could not be made", e);
    }
  }

  private void fit(FitTask task) throws IOException, InterruptedException {
    Adapter adapter = download(task.getAdapter(), WireCodec.fromMessage(task.getLora()));
    FitResult result =
        client()
            .fit(
                new FitInstruction(
                    task.getRound(),
                    task.getRounds(),
                    adapter,
                    WireCodec.fromMessage(task.getTraining()),
                    new Seed(task.getSeed())));
    Path file = workFile("update");
    try {
      AdapterFile.write(result.delta(), file);
      send(
          UpdateHeader.newBuilder()
              .setClientId(request.clientId())
              .setInstance(instance)
              .setRound(task.getRound())
              .setBytes(Files.size(file))
              .setSha256(Sha256.of(file))
              .setExamples(result.examples())
              .setLabelTokens(result.labelTokens())
              .putAllMetrics(result.metrics())
              .build(),
          file);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private void evaluate(EvaluateTask task) throws IOException, InterruptedException {
    Adapter adapter = download(task.getAdapter(), WireCodec.fromMessage(task.getLora()));
    EvaluateResult result =
        client()
            .evaluate(
                new EvaluateInstruction(
                    task.getRound(), adapter, WireCodec.fromMessage(task.getTraining())));
    report(
        ClientMessage.newBuilder()
            .setEvaluateReport(
                EvaluateReport.newBuilder()
                    .setRound(task.getRound())
                    .setExamples(result.examples())
                    .putAllMetrics(result.metrics()))
            .build());
  }

  private void reportFailure(int round, boolean evaluate, Throwable e) {
    String reason = String.valueOf(e.getMessage() == null ? e : e.getMessage());
    log.warn("round {}: {}", round, reason);
    report(
        ClientMessage.newBuilder()
            .setTaskFailed(
                TaskFailed.newBuilder().setRound(round).setEvaluate(evaluate).setReason(reason))
            .build());
  }

  /** Sends a report now, or when the client has joined again. */
  private void report(ClientMessage message) {
    synchronized (reporting) {
      if (session == null) {
        unsent = message;
      } else {
        session.onNext(message);
      }
    }
  }

  private Path workFile(String kind) throws IOException {
    Files.createDirectories(request.workDirectory());
    return request
        .workDirectory()
        .resolve(
            request.clientId() + "-" + Long.toHexString(instance) + "-" + kind + ".safetensors");
  }

  /** Fetches the adapter of a task, and tries again while the server is out of reach. */
  private Adapter download(org.edgefit.proto.AdapterFile described, LoraConfig lora)
      throws IOException, InterruptedException {
    Path file = workFile("adapter");
    AdapterLayout layout = AdapterLayout.of(lora, request.linearLayers());
    try {
      return retrying(
          "download",
          () -> {
            try (IncomingFile incoming =
                new IncomingFile(file, described.getBytes(), described.getSha256(), "download")) {
              Iterator<Chunk> chunks =
                  EdgeFitGrpc.newBlockingStub(channel)
                      .download(
                          DownloadRequest.newBuilder()
                              .setClientId(request.clientId())
                              .setInstance(instance)
                              .setRound(described.getRound())
                              .build());
              while (chunks.hasNext()) {
                incoming.append(chunks.next());
              }
              incoming.verify();
              incoming.publish();
            }
            return AdapterFile.readAdapter(file, lora, layout);
          });
    } finally {
      Files.deleteIfExists(file);
    }
  }

  /** Sends an update, and tries again while the server is out of reach. */
  private void send(UpdateHeader header, Path file) throws IOException, InterruptedException {
    retrying(
        "upload",
        () -> {
          Upload upload = new Upload(header, file);
          EdgeFitGrpc.newStub(channel).upload(upload);
          try {
            return upload.reply().get();
          } catch (ExecutionException e) {
            throw Status.fromThrowable(e.getCause()).asRuntimeException();
          }
        });
    log.info("round {}: update sent, {} bytes", header.getRound(), header.getBytes());
  }

  private interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  private <T> T retrying(String what, Attempt<T> attempt) throws IOException, InterruptedException {
    Backoff backoff = new Backoff();
    long start = System.nanoTime();
    while (true) {
      try {
        return attempt.run();
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("the round is over");
        }
        boolean passing =
            switch (e.getStatus().getCode()) {
              case UNAVAILABLE, DATA_LOSS, INTERNAL, UNKNOWN, CANCELLED -> true;
              default -> false;
            };
        if (e.getStatus().getCode() == Status.Code.FAILED_PRECONDITION
            || e.getStatus().getCode() == Status.Code.INVALID_ARGUMENT) {
          throw new TooLateException(what + ": " + e.getStatus().getDescription(), e);
        }
        if (!passing || System.nanoTime() - start > request.patience().toNanos()) {
          throw new IOException(what + ": " + e.getStatus().getDescription(), e);
        }
        log.warn("{}: {}; trying again", what, e.getStatus().getDescription());
        backoff.sleep();
      }
    }
  }

  /** Ends the connection, and waits for the step that is at work. */
  @Override
  public void close() {
    worker.shutdownNow();
    channel.shutdownNow();
    try {
      if (!worker.awaitTermination(1, TimeUnit.MINUTES)) { // a step may take its time
        log.warn("a task is still at work");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
