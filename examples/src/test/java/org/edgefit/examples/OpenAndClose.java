package org.edgefit.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.engine.NativeMemory;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.federation.Federation;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.random.Seed;
import org.edgefit.run.RunDirectory;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.Strategy;

/**
 * Opens and closes everything, again and again: base model, server, connection, run directory.
 * Prints what memory the process has after each time, and the threads that are left at the end.
 *
 * <p>Arguments: the model, a folder, and how often.
 */
public final class OpenAndClose {

  private OpenAndClose() {}

  public static void main(String[] args) throws Exception {
    Path model = Path.of(args[0]);
    Path work = Path.of(args[1]);
    for (int i = 0; i < Integer.parseInt(args[2]); i++) {
      once(model, work.resolve("" + i));
      System.gc();
      NativeMemory.trim();
      System.out.println("MB " + resident() / 1e3);
    }
    Thread.sleep(2000); // gRPC's own end within a second of their last use
    Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !String.valueOf(thread.getThreadGroup()).contains("system"))
        .map(Thread::getName)
        .sorted()
        .forEach(name -> System.out.println("thread " + name));
  }

  private static void once(Path model, Path work) throws Exception {
    Seed seed = new Seed(7);
    InstructionDataset data = SmartHomeData.training(seed, 6, 0, 0, 0);
    String hash = ModelFiles.contentHash(model);
    RunSettings settings = RunSettings.defaults().withMaxLength(128);
    try (BaseModel base = BaseModel.load(model, Quantization.NF4);
        RunDirectory directory = RunDirectory.create(work.resolve("run"));
        EdgeFitServer server =
            EdgeFitServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new RunTerms(directory.runId(), hash, settings, Duration.ofSeconds(10)))) {
      QloraClient home = new QloraClient("home", base, data);
      CompletableFuture<Void> joined = new CompletableFuture<>();
      Thread thread =
          new Thread(
              () -> {
                try {
                  NetworkedStrategy.join(server.port(), home, base, hash, work);
                  joined.complete(null);
                } catch (IOException | InterruptedException | RuntimeException e) {
                  joined.completeExceptionally(e);
                }
              },
              "home");
      thread.start();
      Federation.builder()
          .strategy(Strategy.fedAvg())
          .clients(server.clients())
          .minimumClients(1)
          .adapter(Adapter.initial(LoraConfig.attention(4), base.linearLayers(), seed))
          .settings(settings)
          .training(Training.defaults().toBuilder().epochs(1).build())
          .runDirectory(directory)
          .build()
          .run(1);
      joined.get();
      thread.join();
    }
  }

  /** Returns the process's resident memory in KB, as Linux tells it. */
  private static long resident() throws IOException {
    List<String> status = Files.readAllLines(Path.of("/proc/self/status"));
    return status.stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }
}
