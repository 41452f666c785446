package com.example;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
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
import org.edgefit.federation.Federation;
import org.edgefit.federation.RunListener;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.random.Seed;
import org.edgefit.run.RunDirectory;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.Strategy;

/** Serves a federation and joins it over gRPC, in one program. */
public final class OverNetwork {
  public static void main(String[] args) throws Exception {
    Path model = Path.of(args[0]);
    Path work = Files.createTempDirectory("embedding-");
    String hash = ModelFiles.contentHash(model);
    RunSettings settings = RunSettings.defaults().withMaxLength(128);
    try (BaseModel base = BaseModel.load(model, Quantization.NF4);
        RunDirectory directory = RunDirectory.create(work.resolve("run"));
        EdgeFitServer server =
            EdgeFitServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new RunTerms(directory.runId(), hash, settings, Duration.ofSeconds(10)))) {
      QloraClient home =
          new QloraClient("home", base, InstructionDataset.jsonl(Path.of(args[1])));
      JoinRequest request =
          new JoinRequest(
              home.id(),
              hash,
              base.linearLayers(),
              home.description(),
              work.resolve("transfers"),
              work.resolve("state"),
              Duration.ofMinutes(1),
              run -> home);
      Thread federation = Thread.currentThread();
      FutureTask<Void> joined =
          new FutureTask<>(
              () -> {
                try (ServerConnection connection =
                    new ServerConnection("127.0.0.1", server.port(), request)) {
                  connection.run();
                } catch (Exception e) {
                  federation.interrupt(); // which would wait for the home
                  throw e;
                }
                return null;
              });
      new Thread(joined, "home").start(); // it waits, which the common pool's threads should not
      try {
        Federation.builder()
            .strategy(Strategy.fedAvg())
            .clients(server.clients())
            .minimumClients(1)
            .adapter(Adapter.initial(LoraConfig.attention(4), base.linearLayers(), new Seed(1)))
            .settings(settings)
            .training(Training.defaults().toBuilder().epochs(1).build())
            .runDirectory(directory)
            .listener(RunListener.console())
            .build()
            .run(1);
      } finally {
        joined.get();
      }
    }
  }
}
