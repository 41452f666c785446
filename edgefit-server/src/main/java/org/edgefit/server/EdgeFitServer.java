package org.edgefit.server;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.edgefit.client.ClientText;
import org.edgefit.federation.ClientPool;
import org.edgefit.proto.Finished;
import org.edgefit.proto.codec.Chunks;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC server whose client pool is used by a federation. After the run, clients are told how it
 * ended; closing the server earlier counts as a failure.
 */
public final class EdgeFitServer implements AutoCloseable {

  private final GrpcClients clients;
  private final Duration grace;
  private final Server server;
  private final ScheduledExecutorService sweeper;
  private final Future<?> sweep;

  private EdgeFitServer(
      GrpcClients clients,
      Duration grace,
      Server server,
      ScheduledExecutorService sweeper,
      Future<?> sweep) {
    this.clients = clients;
    this.grace = grace;
    this.server = server;
    this.sweeper = sweeper;
    this.sweep = sweep;
  }

  /**
   * Starts to listen.
   *
   * @param address the address; port 0 for any
   * @throws IOException if the port is in use
   */
  public static EdgeFitServer start(InetSocketAddress address, RunTerms terms) throws IOException {
    GrpcClients clients = new GrpcClients(terms);
    EdgeFitService service = new EdgeFitService(clients, terms);
    Server server =
        NettyServerBuilder.forAddress(address)
            .addService(service)
            .maxInboundMessageSize(Chunks.MESSAGE_BYTES)
            .maxConcurrentCallsPerConnection(8)
            .maxRstFramesPerWindow(200, 30)
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .build();
    try {
      server.start();
    } catch (IOException e) {
      throw new IOException(address + ": cannot listen (" + rootMessage(e) + ")", e);
    }
    ScheduledExecutorService sweeper =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "edgefit-server-sweep");
              thread.setDaemon(true);
              return thread;
            });
    long every = Math.max(10, terms.idleLimit().toMillis() / 4);
    Future<?> sweep =
        sweeper.scheduleWithFixedDelay(
            service::endIdleUploads, every, every, TimeUnit.MILLISECONDS);
    return new EdgeFitServer(clients, terms.rejoinGrace(), server, sweeper, sweep);
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  /** Returns the port that the server listens on. */
  public int port() {
    return server.getPort();
  }

  /** Returns the clients that have joined. */
  public ClientPool clients() {
    return clients;
  }

  /** Returns the content hash of the run's base model, or null if no client has joined yet. */
  public @Nullable String baseModelHash() {
    return clients.baseModelHash();
  }

  /** Tells the clients that the run failed, unless they were told how it ended. */
  public void fail(String reason) {
    clients.finish(
        Finished.newBuilder()
            .setEnd(Finished.End.FAILED)
            .setDetail(ClientText.shown(reason.isEmpty() ? "unknown" : reason))
            .build());
  }

  /**
   * Stops listening. Clients that do not know the run's end yet are told that it failed; a
   * disconnected one can reconnect within the grace period, and is told too.
   */
  @Override
  public void close() {
    fail("server closed before the end of the run");
    try {
      clients.awaitLost(grace);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    sweep.cancel(false);
    sweeper.shutdownNow();
    server.shutdown();
    try {
      if (!server.awaitTermination(5, TimeUnit.SECONDS)) {
        server.shutdownNow();
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
