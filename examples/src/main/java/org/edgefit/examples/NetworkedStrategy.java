package org.edgefit.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.client.wire.JoinRequest;
import org.edgefit.client.wire.ServerConnection;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partitioner;
import org.edgefit.examples.strategies.Proximal;
import org.edgefit.examples.strategies.ServerMomentum;
import org.edgefit.federation.Federation;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.random.Seed;
import org.edgefit.run.RunDirectory;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.Strategy;

/**
 * A custom strategy over gRPC: the server as a library, server momentum, a proximal term at the
 * clients. Here the clients are threads; in production they would be {@code edgefit-client join},
 * or programs like this one's {@link #join}.
 */
final class NetworkedStrategy {

  private static final Seed SEED = new Seed(7);

  private NetworkedStrategy() {}

  /** Runs the example. Arguments, both optional: the run directory, and the number of rounds. */
  public static void main(String[] args)
      throws IOException, InterruptedException, ExecutionException {
    Path work = Files.createTempDirectory("edgefit-");
    Path run = Path.of(args.length > 0 ? args[0] : work.resolve("run").toString());
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 3;
    Path model = TinyHome.unpack(work);
    String hash = ModelFiles.contentHash(model);
    RunSettings settings = RunSettings.defaults().withMaxLength(128);
    InstructionDataset data = SmartHomeData.training(SEED, 120, 0, 0, 0);
    ExecutorService homes = Executors.newCachedThreadPool();
    try (BaseModel base = BaseModel.load(model, Quantization.NF4);
        RunDirectory directory = RunDirectory.create(run);
        EdgeFitServer server =
            EdgeFitServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new RunTerms(directory.runId(), hash, settings, Duration.ofSeconds(10)))) {
      List<Future<?>> joined = new ArrayList<>();
      for (InstructionDataset part : Partitioner.iid().split(data, 3, SEED).parts()) {
        QloraClient home =
            new QloraClient("home-" + joined.size(), base, part).withRule(new Proximal());
        joined.add(
            homes.submit(
                () -> {
                  join(server.port(), home, base, hash, work);
                  return null;
                }));
      }
      RunResult result =
          Federation.builder()
              .strategy(
                  Strategy.fedAvg()
                      .assignments(
                          (round, home, plain) -> plain.withRule("proximal").with("mu", 0.01))
                      .optimizer(new ServerMomentum(1.0, 0.5)))
              .clients(server.clients())
              .minimumClients(3)
              .adapter(Adapter.initial(LoraConfig.attention(8), base.linearLayers(), SEED))
              .settings(settings)
              .training(Training.defaults().toBuilder().epochs(1).learningRate(2e-3).build())
              .seed(SEED)
              .runDirectory(directory)
              .listener(RunListener.console())
              .build()
              .run(rounds);
      for (Future<?> home : joined) {
        home.get(); // it was told that the run is over
      }
      System.out.println("adapter for PEFT: " + directory.finalAdapterDirectory());
      System.out.println("its SHA-256: " + result.adapterSha256());
    } finally {
      homes.shutdown();
    }
  }

  /** Takes part in a run as a client, until it ends. */
  static void join(int port, QloraClient home, BaseModel base, String hash, Path work)
      throws IOException, InterruptedException {
    JoinRequest request =
        new JoinRequest(
            home.id(),
            hash,
            base.linearLayers(),
            home.description(),
            work.resolve("transfers"),
            work.resolve("state"),
            Duration.ofMinutes(1),
            settings -> home);
    try (ServerConnection connection = new ServerConnection("127.0.0.1", port, request)) {
      connection.run();
    }
  }
}
