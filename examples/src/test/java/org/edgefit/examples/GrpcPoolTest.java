package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.RunSettings;
import org.edgefit.client.wire.JoinRequest;
import org.edgefit.client.wire.ServerConnection;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.ClientPoolContract;
import org.edgefit.federation.FakeClient;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.junit.jupiter.api.AfterEach;

/** The pool of clients that have joined over real gRPC. */
class GrpcPoolTest extends ClientPoolContract {

  private static final String HASH = "ab".repeat(32);

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<EdgeFitServer> servers = new ArrayList<>();

  @Override
  protected ClientPool pool(List<? extends FederatedClient> clients) throws Exception {
    EdgeFitServer server =
        EdgeFitServer.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            new RunTerms("pool", HASH, RunSettings.defaults(), Duration.ofMillis(600)));
    servers.add(server);
    for (FederatedClient client : clients) {
      JoinRequest request =
          new JoinRequest(
              client.id(),
              HASH,
              FakeClient.LAYERS,
              client.description(),
              temp.resolve("work"),
              temp.resolve("state"),
              Duration.ofSeconds(20),
              settings -> client);
      threads.submit(
          () -> {
            try (ServerConnection connection =
                new ServerConnection("127.0.0.1", server.port(), request)) {
              connection.run();
            }
            return null;
          });
    }
    assertThat(server.clients().await(clients.size(), Duration.ofSeconds(20))).isTrue();
    return server.clients();
  }

  @AfterEach
  void close() {
    servers.forEach(EdgeFitServer::close);
    threads.shutdownNow();
  }
}
