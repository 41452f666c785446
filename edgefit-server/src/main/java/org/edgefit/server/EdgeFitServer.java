package org.edgefit.server;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.edgefit.federation.ClientPool;
import org.edgefit.proto.codec.Chunks;
import org.jspecify.annotations.Nullable;

/** A gRPC server that clients dial; its pool of clients goes into a federation. */
public final class EdgeFitServer implements AutoCloseable {

  private final GrpcClients clients;
  private final Server server;

  private EdgeFitServer(GrpcClients clients, Server server) {
    this.clients = clients;
    this.server = server;
  }

  /**
   * Starts to listen.
   *
   * @param address where; port 0 for any free one
   * @throws IOException if the port cannot be had
   */
  public static EdgeFitServer start(InetSocketAddress address, RunTerms terms) throws IOException {
    GrpcClients clients = new GrpcClients(terms);
    Server server =
        NettyServerBuilder.forAddress(address)
            .addService(new EdgeFitService(clients))
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
      throw new IOException(address + ": cannot listen there (" + rootMessage(e) + ")", e);
    }
    return new EdgeFitServer(clients, server);
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

  /** Tells the clients that the run failed, so that they do not take its end for success. */
  public void fail(String reason) {
    clients.finish(reason.isEmpty() ? "unknown" : reason);
  }

  /** Tells the clients that the run is over, and stops. */
  @Override
  public void close() {
    clients.finish("");
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
