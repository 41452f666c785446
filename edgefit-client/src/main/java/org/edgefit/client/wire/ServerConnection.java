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

  private volatile int busyRound;
  private volatile @Nullable StreamObserver<ClientMessage> session;
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

  /** The end of a session, in the queue of its messages. */
  private record End(Status status) {}

  /** In the queue of messages: the client could not be made, so there is nothing to stay for. */
  private record Broken(Exception cause) {}

  /**
   * Takes part in the run until the server says that it is over.
   *
   * @throws JoinRefusedException if the server does not take the client in
   * @throws IOException if the server cannot be reached for longer than the client's patience, or
   *     the client cannot be made
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
    REFUSED,
    LOST
  }

  private record Outcome(Kind kind, String detail, boolean joined) {}

  /** Joins, and handles messages until the session ends. */
  private Outcome oneSession() throws IOException, InterruptedException {
    BlockingQueue<Object> messages = new LinkedBlockingQueue<>();
    StreamObserver<ClientMessage> stream =
        EdgeFitGrpc.newStub(channel)
            .session(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerMessage message) {
                    messages.add(message);
                  }

                  @Override
                  public void onError(Throwable error) {
                    messages.add(new End(Status.fromThrowable(error)));
                  }

                  @Override
                  public void onCompleted() {
                    messages.add(new End(Status.OK));
                  }
                });
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
          return ended(end.status(), joined);
        }
        if (next instanceof Broken broken) {
          stream.onCompleted();
          throw new IOException(String.valueOf(broken.cause().getMessage()), broken.cause());
        }
        ServerMessage message = (ServerMessage) next;
        switch (message.getMessageCase()) {
          case WELCOME -> {
            joined = true;
            session = stream;
            welcome(message.getWelcome(), messages);
          }
          case FIT -> start(message.getFit().getRound(), () -> fit(message.getFit()));
          case EVALUATE -> start(0, () -> evaluate(message.getEvaluate()));
          case FINISHED -> {
            stopTask();
            stream.onCompleted();
            return new Outcome(Kind.FINISHED, "", true);
          }
          default -> log.warn("unexpected message {}", message.getMessageCase());
        }
      }
    } finally {
      session = null;
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
              case FAILED_PRECONDITION, INVALID_ARGUMENT, ALREADY_EXISTS, UNIMPLEMENTED -> true;
              default -> false;
            };
    return new Outcome(refused ? Kind.REFUSED : Kind.LOST, detail, joined);
  }

  private void welcome(Welcome welcome, BlockingQueue<Object> messages) {
    log.info("joined run {} as {}", welcome.getRunId(), request.clientId());
    if (client == null) {
      client =
          worker.submit(
              () -> {
                try {
                  return request.clients().create(WireCodec.fromMessage(welcome.getTraining()));
                } catch (IOException | RuntimeException e) {
                  messages.add(new Broken(e));
                  throw e;
                }
              });
    }
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  /** Starts a task, and stops the one before: the server has moved on. */
  private void start(int round, Work work) {
    stopTask();
    busyRound = round;
    current =
        worker.submit(
            () -> {
              try {
                work.run();
              } catch (InterruptedException e) {
                log.info("a task was stopped: {}", String.valueOf(e.getMessage()));
              } catch (IOException e) {
                log.warn("round {}: {}", round, e.getMessage());
              } catch (RuntimeException e) {
                log.error("round {}", round, e);
              } finally {
                if (busyRound == round) {
                  busyRound = 0;
                }
              }
            });
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
    FitResult result;
    try {
      LoraConfig lora = WireCodec.fromMessage(task.getLora());
      Adapter adapter = download(task.getAdapter(), lora);
      result =
          client()
              .fit(
                  new FitInstruction(
                      task.getRound(),
                      task.getRounds(),
                      adapter,
                      WireCodec.fromMessage(task.getTraining()),
                      new Seed(task.getSeed())));
    } catch (IOException | RuntimeException e) {
      reportFailure(task.getRound(), false, e);
      return;
    }
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

  private void evaluate(EvaluateTask task) throws InterruptedException {
    try {
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
    } catch (IOException | RuntimeException e) {
      reportFailure(task.getRound(), true, e);
    }
  }

  private void reportFailure(int round, boolean evaluate, Exception e) {
    String reason = String.valueOf(e.getMessage() == null ? e : e.getMessage());
    log.warn("round {}: {}", round, reason);
    log.debug("round {}", round, e);
    report(
        ClientMessage.newBuilder()
            .setTaskFailed(
                TaskFailed.newBuilder().setRound(round).setEvaluate(evaluate).setReason(reason))
            .build());
  }

  private void report(ClientMessage message) {
    StreamObserver<ClientMessage> stream = session;
    if (stream == null) {
      log.warn("not connected: the server learns nothing of {}", message.getMessageCase());
      return;
    }
    synchronized (stream) {
      stream.onNext(message);
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
              incoming.commit();
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
        if (!passing || System.nanoTime() - start > request.patience().toNanos()) {
          throw new IOException(what + ": " + e.getStatus().getDescription(), e);
        }
        log.warn("{}: {}; trying again", what, e.getStatus().getDescription());
        backoff.sleep();
      }
    }
  }

  /** Ends the connection. */
  @Override
  public void close() {
    worker.shutdownNow();
    channel.shutdownNow();
  }
}
