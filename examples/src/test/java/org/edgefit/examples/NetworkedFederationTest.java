package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.client.wire.JoinRefusedException;
import org.edgefit.client.wire.JoinRequest;
import org.edgefit.client.wire.ServerConnection;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partitioner;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunResult;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.random.Seed;
import org.edgefit.run.Outcome;
import org.edgefit.run.RunEvent;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server and clients over real gRPC on the loopback address. */
@Timeout(120)
class NetworkedFederationTest {

  private static final List<LinearSpec> LAYERS =
      List.of(
          new LinearSpec("model.layers.0.self_attn.q_proj", 300, 200),
          new LinearSpec("model.layers.0.self_attn.v_proj", 300, 100));
  private static final LoraConfig LORA = new LoraConfig(8, 16, 0, List.of("q_proj", "v_proj"));
  private static final RunSettings SETTINGS = RunSettings.defaults().withMaxLength(96);
  private static final String HASH = "ab".repeat(32);

  @TempDir Path temp;

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable resource : open) {
      resource.close();
    }
    threads.shutdownNow();
  }

  private static Training training() {
    return Training.defaults().toBuilder()
        .epochs(1)
        .learningRate(1e-3)
        .scheduleOverRun(LearningRateSchedule.COSINE, 0.1)
        .build();
  }

  private EdgeFitServer server(String hash) throws IOException {
    return server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), hash);
  }

  private EdgeFitServer server(InetSocketAddress address, String hash) throws IOException {
    EdgeFitServer server =
        EdgeFitServer.start(
            address,
            new RunTerms("test", hash, SETTINGS, Duration.ofMillis(1500), Duration.ofMillis(800)));
    open.add(server);
    return server;
  }

  private Future<Void> join(EdgeFitServer server, FederatedClient client) {
    return join(server, client, LAYERS, HASH);
  }

  private Future<Void> join(
      EdgeFitServer server, FederatedClient client, List<LinearSpec> layers, String hash) {
    return threads.submit(
        () -> {
          JoinRequest request =
              new JoinRequest(
                  client.id(),
                  hash,
                  layers,
                  client.description(),
                  temp.resolve("work"),
                  temp.resolve("state"),
                  Duration.ofSeconds(5),
                  settings -> client);
          try (ServerConnection connection =
              new ServerConnection("127.0.0.1", server.port(), request)) {
            connection.run();
          }
          return null;
        });
  }

  private interface Behaviour {
    FitResult fit(FitInstruction instruction) throws IOException, InterruptedException;
  }

  private record FakeClient(String id, Behaviour behaviour) implements FederatedClient {
    @Override
    public FitResult fit(FitInstruction instruction) throws IOException, InterruptedException {
      return behaviour.fit(instruction);
    }

    @Override
    public EvaluateResult evaluate(EvaluateInstruction instruction) {
      return new EvaluateResult(2, Map.of("f1", (double) id.length()));
    }
  }

  private static AdapterDelta delta(AdapterLayout layout, float base, SplittableRandom random) {
    List<FloatBuffer> values = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      float[] all = new float[tensor.elements()];
      for (int i = 0; i < all.length; i++) {
        all[i] = base + (float) random.nextDouble();
      }
      values.add(FloatBuffer.wrap(all));
    }
    return AdapterDelta.of(layout, values);
  }

  private static FakeClient random(String id) {
    return new FakeClient(
        id,
        asked -> {
          SplittableRandom random = asked.seed().generator();
          Thread.sleep(random.nextInt(50));
          return new FitResult(
              delta(asked.adapter().layout(), 0, random), random.nextInt(1, 9), 5, Map.of());
        });
  }

  private static Federation.Builder federation(FedAvg strategy) {
    return Federation.builder()
        .strategy(strategy)
        .adapter(Adapter.initial(LORA, LAYERS, new Seed(1)))
        .settings(SETTINGS)
        .training(training())
        .seed(11)
        .roundDeadline(Duration.ofSeconds(30));
  }

  private static Map<String, String> ends(RunResult result) {
    Map<String, String> ends = new TreeMap<>();
    for (Outcome end : result.history().last().clients()) {
      ends.put(end.clientId(), end.name() + ": " + end.detail());
    }
    return ends;
  }

  @Test
  void realTrainingGivesTheSameBitsInProcessAndOverTheNetwork() throws Exception {
    TorchEngine.setThreads(1);
    Path model = TinyHome.unpack(temp);
    InstructionDataset data = SmartHomeData.training(new Seed(5), 60, 0, 20, 10);
    List<InstructionDataset> parts =
        Partitioner.dirichlet(0.5, SmartHomeData.SKEW_KEY).split(data, 4, new Seed(5)).parts();
    LoraConfig lora = LoraConfig.attention(4).withDropout(0.05);
    try (BaseModel base = BaseModel.load(model, Quantization.NF4)) {
      List<QloraClient> clients = new ArrayList<>();
      for (int i = 0; i < parts.size(); i++) {
        clients.add(new QloraClient("home-" + i, base, parts.get(i)));
      }
      Adapter start = Adapter.initial(lora, base.linearLayers(), new Seed(1));
      FedAvg strategy = Strategy.fedAvg().clientsPerRound(3);
      RunResult inProcess =
          federation(strategy).adapter(start).clients(InProcessClients.of(clients)).build().run(2);

      String hash = ModelFiles.contentHash(model);
      EdgeFitServer server = server(hash);
      List<QloraClient> shuffled = new ArrayList<>(clients);
      Collections.shuffle(shuffled, new Random(1));
      List<Future<Void>> joined = new ArrayList<>();
      for (QloraClient client : shuffled) {
        joined.add(join(server, client, base.linearLayers(), hash));
      }
      RunResult networked =
          federation(strategy)
              .adapter(start)
              .clients(server.clients())
              .minimumClients(4)
              .build()
              .run(2);
      assertThat(networked.adapterSha256()).isEqualTo(inProcess.adapterSha256());
      assertThat(networked.history().bytesMoved()).isEqualTo(inProcess.history().bytesMoved());
      server.close();
      for (Future<Void> client : joined) {
        client.get(20, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void clientsTrainEvaluateAndLeaveWhenTheRunIsOver() throws Exception {
    EdgeFitServer server = server(HASH);
    List<Future<Void>> joined = new ArrayList<>();
    for (String id : List.of("b", "aa", "c")) {
      joined.add(join(server, random(id)));
    }
    RunResult result =
        federation(Strategy.fedAvg().evaluateClients(2))
            .clients(server.clients())
            .minimumClients(3)
            .build()
            .run(3);
    assertThat(result.history().last().clients()).allMatch(Outcome::isUsable);
    assertThat(result.history().last().evaluateMetrics()).containsKey("f1");
    server.close();
    for (Future<Void> client : joined) {
      client.get(20, TimeUnit.SECONDS);
    }
    try (Stream<Path> left = Files.list(temp.resolve("work"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void badClientsAreReportedByNameAndTheRoundGoesOn() throws Exception {
    Path run = temp.resolve("run");
    EdgeFitServer server = server(HASH);
    CountDownLatch never = new CountDownLatch(1);
    AdapterLayout wrong =
        AdapterLayout.of(new LoraConfig(2, 4, 0, List.of("q_proj", "v_proj")), LAYERS);
    List<FakeClient> clients =
        List.of(
            random("good"),
            new FakeClient(
                "gives-up",
                asked -> {
                  throw new IOException("out of memory");
                }),
            new FakeClient(
                "nan",
                asked ->
                    new FitResult(
                        delta(asked.adapter().layout(), Float.NaN, new SplittableRandom(1)),
                        1,
                        1,
                        Map.of())),
            new FakeClient(
                "shapes",
                asked -> new FitResult(delta(wrong, 0, new SplittableRandom(1)), 1, 1, Map.of())),
            new FakeClient(
                "slow",
                asked -> {
                  never.await();
                  throw new IOException("woken");
                }));
    clients.forEach(client -> join(server, client));
    RunResult result =
        federation(Strategy.fedAvg())
            .clients(server.clients())
            .minimumClients(5)
            .roundDeadline(Duration.ofSeconds(4))
            .runDirectory(run)
            .build()
            .run(1);
    try (Stream<Path> updates = Files.list(run.resolve("rounds/0001/updates"))) {
      assertThat(updates.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder("good.safetensors", "nan.unused", "shapes.unused");
    }
    Map<String, String> ends = ends(result);
    assertThat(ends.get("good")).startsWith("trained");
    assertThat(ends.get("gives-up")).isEqualTo("failed: out of memory");
    assertThat(ends.get("nan")).startsWith("rejected").contains("NaN");
    assertThat(ends.get("shapes")).startsWith("rejected").contains("shape [2, 300]");
    assertThat(ends.get("slow")).startsWith("timed out");
  }

  @Test
  void clientThatDiesIsReportedAndOneThatReturnsIsNot() throws Exception {
    EdgeFitServer server = server(HASH);
    CountDownLatch training = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    FakeClient dies =
        new FakeClient(
            "dies",
            asked -> {
              training.countDown();
              never.await();
              throw new IOException("woken");
            });
    join(server, random("good"));
    Future<Void> dying = join(server, dies);
    threads.submit(
        () -> {
          training.await();
          return dying.cancel(true); // ends its connection, as the death of its process would
        });
    long start = System.nanoTime();
    RunResult result =
        federation(Strategy.fedAvg()).clients(server.clients()).minimumClients(2).build().run(1);
    assertThat(ends(result).get("good")).startsWith("trained");
    assertThat(ends(result).get("dies")).startsWith("failed").contains("disconnected");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
  }

  @Test
  void clientWithAnotherBaseModelIsRefusedWithBothHashes() throws Exception {
    EdgeFitServer server = server(HASH);
    String other = "cd".repeat(32);
    Future<Void> refused = join(server, random("stranger"), LAYERS, other);
    assertThatThrownBy(() -> refused.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(JoinRefusedException.class)
        .hasMessageContaining(HASH)
        .hasMessageContaining(other);
    assertThat(server.clients().available()).isEmpty();
  }

  @Test
  void firstClientDecidesTheBaseModelOfARunWithoutOne() throws Exception {
    EdgeFitServer server = server(null);
    join(server, random("first"));
    assertThat(server.clients().await(1, Duration.ofSeconds(20))).isTrue();
    assertThat(server.baseModelHash()).isEqualTo(HASH);
    Future<Void> refused = join(server, random("second"), LAYERS, "ef".repeat(32));
    assertThatThrownBy(() -> refused.get(20, TimeUnit.SECONDS)).hasMessageContaining(HASH);
  }

  @Test
  void secondClientWithTheSameIdWaitsAndIsRefused() throws Exception {
    EdgeFitServer server = server(HASH);
    join(server, random("twin"));
    assertThat(server.clients().await(1, Duration.ofSeconds(20))).isTrue();
    Future<Void> second = join(server, random("twin"));
    assertThatThrownBy(() -> second.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("twin is in use by another connected client");
  }

  @Test
  void clientsWaitForAServerThatComesLater() throws Exception {
    int port;
    try (EdgeFitServer early = server(HASH)) {
      port = early.port();
    }
    JoinRequest request =
        new JoinRequest(
            "early-bird",
            HASH,
            LAYERS,
            Map.of(),
            temp.resolve("work"),
            temp.resolve("state"),
            Duration.ofSeconds(30),
            settings -> random("early-bird"));
    Future<?> client =
        threads.submit(
            () -> {
              try (ServerConnection connection = new ServerConnection("127.0.0.1", port, request)) {
                connection.run();
              }
              return null;
            });
    Thread.sleep(500);
    EdgeFitServer late =
        server(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), HASH);
    RunResult result = federation(Strategy.fedAvg()).clients(late.clients()).build().run(1);
    assertThat(ends(result).get("early-bird")).startsWith("trained");
    late.close();
    client.get(20, TimeUnit.SECONDS);
  }

  @Test
  void unreachableServerIsNamedWhenPatienceEnds() {
    JoinRequest request =
        new JoinRequest(
            "lonely",
            HASH,
            LAYERS,
            Map.of(),
            temp.resolve("work"),
            temp.resolve("state"),
            Duration.ofMillis(500),
            settings -> random("lonely"));
    assertThatThrownBy(
            () -> {
              try (ServerConnection connection = new ServerConnection("127.0.0.1", 1, request)) {
                connection.run();
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessageContaining("127.0.0.1:1: no reply in");
  }

  @Test
  void runThatFailsIsToldToItsClients() throws Exception {
    EdgeFitServer server = server(HASH);
    Future<Void> client = join(server, random("home"));
    assertThat(server.clients().await(1, Duration.ofSeconds(20))).isTrue();
    server.fail("disk full");
    assertThatThrownBy(() -> client.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("the run failed on the server: disk full");
  }

  @Test
  void clientThatCannotBeMadeSaysWhyAndLeaves() throws Exception {
    EdgeFitServer server = server(HASH);
    JoinRequest request =
        new JoinRequest(
            "broken",
            HASH,
            LAYERS,
            Map.of(),
            temp.resolve("work"),
            temp.resolve("state"),
            Duration.ofSeconds(5),
            settings -> {
              throw new IOException("model.safetensors: no such tensor");
            });
    assertThatThrownBy(
            () -> {
              try (ServerConnection connection =
                  new ServerConnection("127.0.0.1", server.port(), request)) {
                connection.run();
              }
            })
        .hasMessageContaining("no such tensor");
  }

  @Test
  void errorInTrainingIsReportedNotWaitedFor() throws Exception {
    EdgeFitServer server = server(HASH);
    join(server, random("good"));
    join(
        server,
        new FakeClient(
            "bursts",
            asked -> {
              throw new OutOfMemoryError("native");
            }));
    RunResult result =
        federation(Strategy.fedAvg()).clients(server.clients()).minimumClients(2).build().run(1);
    assertThat(ends(result).get("bursts")).isEqualTo("failed: native");
    assertThat(ends(result).get("good")).startsWith("trained");
  }

  @Test
  void runWaitsForItsClientsAndCanBeStoppedMeanwhile() throws Exception {
    EdgeFitServer server = server(HASH);
    join(server, random("alone"));
    Federation[] waiting = new Federation[1];
    waiting[0] =
        federation(Strategy.fedAvg())
            .clients(server.clients())
            .minimumClients(2)
            .listener(
                event -> {
                  if (event instanceof RunEvent.ClientJoined) {
                    waiting[0].stop();
                  }
                })
            .build();
    assertThatThrownBy(() -> waiting[0].run(1)).isInstanceOf(InterruptedException.class);

    assertThatThrownBy(
            () ->
                federation(Strategy.fedAvg())
                    .clients(server.clients())
                    .minimumClients(3)
                    .joinTimeout(Duration.ofMillis(300))
                    .build()
                    .run(1))
        .hasMessageContaining("at least 3");
  }
}
