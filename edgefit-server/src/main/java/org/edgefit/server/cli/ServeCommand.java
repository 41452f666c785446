package org.edgefit.server.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.cli.LoraOptions;
import org.edgefit.cli.TrainingOptions;
import org.edgefit.client.Training;
import org.edgefit.federation.ClientReport;
import org.edgefit.federation.Federation;
import org.edgefit.federation.RoundListener;
import org.edgefit.federation.RoundSummary;
import org.edgefit.federation.RunResult;
import org.edgefit.format.BaseWeights;
import org.edgefit.format.Json;
import org.edgefit.format.ModelConfig;
import org.edgefit.format.ModelFiles;
import org.edgefit.format.PeftAdapter;
import org.edgefit.random.Seed;
import org.edgefit.run.RunDirectory;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Weighting;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Serves one run. */
@Command(
    name = "serve",
    description = {
      "Waits for clients, runs all rounds of federated averaging, and leaves the run directory.",
      "",
      "Every training setting is the server's: it goes to the clients with each round. Of the base"
          + " model only config.json is read; where weights lie beside it, their content hash"
          + " decides which clients are taken in, else the first client's does."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ServeCommand implements Callable<Integer> {

  /** About thirty years. */
  private static final long MOST_SECONDS = 1_000_000_000;

  @Option(
      names = "--host",
      description = "address to listen on (default: every address)",
      paramLabel = "ADDRESS")
  private @Nullable String host;

  @Option(
      names = "--port",
      description = "port to listen on; 0 for any free one (default: ${DEFAULT-VALUE})",
      paramLabel = "P")
  private int port = 8080;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Hugging Face directory of the base model; its config.json is enough")
  private Path model = Path.of("");

  @Option(
      names = "--base-hash",
      paramLabel = "HASH",
      description = "content hash of the base model that clients must have")
  private @Nullable String baseHash;

  @Option(
      names = "--run-dir",
      required = true,
      paramLabel = "DIR",
      description = "new directory for everything that the run leaves")
  private Path runDirectory = Path.of("");

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "PEFT adapter to start from; its rank, alpha and targets are the run's")
  private @Nullable Path adapter;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "rounds of the run (default: ${DEFAULT-VALUE})")
  private int rounds = 10;

  @Option(
      names = "--clients-per-round",
      paramLabel = "C",
      description = "clients drawn for each round (default: all that are connected)")
  private @Nullable Integer clientsPerRound;

  @Option(
      names = "--min-clients",
      paramLabel = "M",
      description = "clients that must be connected when a round begins (default: 1)")
  private int minimumClients = 1;

  @Option(
      names = "--evaluate-clients",
      paramLabel = "N",
      description = "clients drawn in each round to evaluate on their own held-out data")
  private int evaluateClients;

  @Option(
      names = "--weighting",
      description = "a client's weight: ${COMPLETION-CANDIDATES} (default: examples)")
  private Weighting weighting = Weighting.EXAMPLES;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "seed of everything random in the run (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      description = "how long a round waits for its clients (default: ${DEFAULT-VALUE})")
  private long deadlineSeconds = 24 * 3600;

  @Option(
      names = "--join-timeout",
      paramLabel = "SECONDS",
      description = "how long a round waits for --min-clients (default: ${DEFAULT-VALUE})")
  private long joinTimeoutSeconds = 3600;

  @Option(
      names = "--rejoin-grace",
      paramLabel = "SECONDS",
      description = "how long a client lost in a round may take to return (default: 10)")
  private long rejoinGraceSeconds = 10;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description =
          "classes that a client's evaluation chooses among (default: those of its records)")
  private List<String> labels = List.of();

  @Option(names = "--json", description = "print each event as a JSON object on a line")
  private boolean json;

  @Mixin private LoraOptions lora = new LoraOptions();

  @Mixin private TrainingOptions training = new TrainingOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Training settings = training.toTraining().toBuilder().labels(labels).build();
    checkRanges();
    ModelConfig config = ModelConfig.read(model);
    config.requireLength(settings.maxLength());
    RunDirectory.requireNew(runDirectory);
    Files.createDirectories(runDirectory);
    List<LinearSpec> layers = config.linearLayers();
    Adapter start = start(layers);
    FedAvg strategy = strategy();
    String hash =
        baseHash != null
            ? baseHash
            : BaseWeights.exist(model) ? ModelFiles.contentHash(model) : null;
    RunTerms terms =
        new RunTerms(
            runDirectory.toAbsolutePath().getFileName().toString(),
            hash,
            start.config(),
            start.layout(),
            settings,
            Duration.ofSeconds(rejoinGraceSeconds));
    InetSocketAddress address =
        host == null ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
    try (EdgeFitServer server = EdgeFitServer.start(address, terms)) {
      try {
        serve(server, strategy, start, settings, hash);
      } catch (IOException | RuntimeException e) {
        server.fail(String.valueOf(e.getMessage()));
        throw e;
      }
    }
    return 0;
  }

  private void serve(
      EdgeFitServer server,
      FedAvg strategy,
      Adapter start,
      Training settings,
      @Nullable String hash)
      throws IOException, InterruptedException {
    // Ctrl-C: the clients should not wait for a server that is not coming back.
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.fail("the server was stopped");
                  server.close();
                }));
    started(server.port(), hash);
    if (!server.clients().await(minimumClients, Duration.ofSeconds(joinTimeoutSeconds))) {
      throw new IOException(
          "clients: "
              + server.clients().available()
              + " after "
              + joinTimeoutSeconds
              + " s (expected: at least "
              + minimumClients
              + ")");
    }
    RunResult result =
        Federation.builder()
            .strategy(strategy)
            .clients(server.clients())
            .adapter(start)
            .training(settings)
            .seed(seed)
            .runDirectory(runDirectory)
            .baseModel(model.toString())
            .note("baseModelHash", String.valueOf(server.baseModelHash()))
            .note("weighting", weighting.name())
            .note("clientsPerRound", clientsPerRound == null ? "all" : clientsPerRound.toString())
            .note("evaluateClients", Integer.toString(evaluateClients))
            .minimumClients(minimumClients)
            .joinTimeout(Duration.ofSeconds(joinTimeoutSeconds))
            .roundDeadline(Duration.ofSeconds(deadlineSeconds))
            .listener(json ? new JsonListener() : RoundListener.console())
            .build()
            .run(rounds);
    finished(result);
    if (result.history().rounds().stream()
        .flatMap(round -> round.clients().stream())
        .noneMatch(ClientReport::trained)) {
      throw new IOException("no client trained in any round: the adapter is the first one");
    }
  }

  private void checkRanges() {
    require(port >= 0 && port <= 65535, "--port", port, "0 to 65535");
    require(rounds >= 1, "--rounds", rounds, ">= 1");
    require(minimumClients >= 1, "--min-clients", minimumClients, ">= 1");
    require(evaluateClients >= 0, "--evaluate-clients", evaluateClients, ">= 0");
    for (Map.Entry<String, Long> seconds :
        Map.of(
                "--deadline", deadlineSeconds,
                "--join-timeout", joinTimeoutSeconds,
                "--rejoin-grace", rejoinGraceSeconds)
            .entrySet()) {
      require(
          seconds.getValue() >= 1 && seconds.getValue() <= MOST_SECONDS,
          seconds.getKey(),
          seconds.getValue(),
          "1 to " + MOST_SECONDS);
    }
    if (baseHash != null && !baseHash.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "--base-hash: " + baseHash + " (expected: 64 hexadecimal digits)");
    }
    if (runDirectory.toAbsolutePath().getFileName() == null) {
      throw new IllegalArgumentException(
          "--run-dir: " + runDirectory + " (expected: a new folder)");
    }
  }

  private static void require(boolean holds, String option, long value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(option + ": " + value + " (expected: " + expected + ")");
    }
  }

  private FedAvg strategy() {
    FedAvg strategy = Strategy.fedAvg().weighting(weighting);
    if (clientsPerRound != null) {
      strategy = strategy.clientsPerRound(clientsPerRound);
    }
    return evaluateClients > 0 ? strategy.evaluateClients(evaluateClients) : strategy;
  }

  private Adapter start(List<LinearSpec> layers) throws IOException {
    if (adapter == null) {
      return Adapter.initial(lora.toLora(), layers, new Seed(seed).split("adapter"));
    }
    Adapter read = PeftAdapter.read(adapter);
    AdapterLayout.of(read.config(), layers).requireSame(read.layout());
    return read;
  }

  private void started(int boundPort, @Nullable String hash) {
    if (json) {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("event", "listening");
      event.put("port", boundPort);
      event.put("baseModelHash", hash);
      System.out.println(Json.line(event));
    } else {
      System.out.printf(
          "listening on port %d, waiting for %d client%s%n" + "base model: %s%n",
          boundPort,
          minimumClients,
          minimumClients == 1 ? "" : "s",
          hash == null ? "that of the first client" : hash);
    }
    System.out.flush();
  }

  private void finished(RunResult result) {
    Path last = runDirectory.resolve("adapter");
    if (json) {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("event", "finished");
      event.put("adapter", last.toString());
      event.put("adapterSha256", result.adapterSha256());
      event.put("bytesMoved", result.history().bytesMoved());
      System.out.println(Json.line(event));
    } else {
      System.out.printf("adapter: %s%nSHA-256: %s%n", last, result.adapterSha256());
    }
  }

  /** Prints a JSON object per event. */
  private static final class JsonListener implements RoundListener {

    private static void print(String event, Map<String, Object> fields) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("event", event);
      line.putAll(fields);
      System.out.println(Json.line(line));
      System.out.flush();
    }

    @Override
    public void roundOpened(int round, int rounds, List<String> clients) {
      print("roundOpened", Map.of("round", round, "rounds", rounds, "clients", clients));
    }

    @Override
    public void clientFinished(int round, ClientReport report) {
      print("clientFinished", Map.of("round", round, "client", Json.tree(report)));
    }

    @Override
    public void roundClosed(RoundSummary summary) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("round", summary.round());
      fields.put("adapterSha256", summary.adapterSha256());
      fields.put("fit", summary.fitMetrics());
      fields.put("evaluate", summary.evaluateMetrics());
      fields.put("bytesDown", summary.bytesDown());
      fields.put("bytesUp", summary.bytesUp());
      fields.put("seconds", summary.duration().toMillis() / 1e3);
      print("roundClosed", fields);
    }
  }
}
