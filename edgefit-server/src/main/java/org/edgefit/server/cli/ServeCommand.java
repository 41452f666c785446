package org.edgefit.server.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.RunSettings;
import org.edgefit.federation.ClientInfo;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.file.Json;
import org.edgefit.format.model.BaseWeights;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.internal.cli.LoraOptions;
import org.edgefit.internal.cli.PluginJars;
import org.edgefit.internal.cli.TrainingOptions;
import org.edgefit.random.Seed;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.run.RunEventCodec;
import org.edgefit.run.SavedRun;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Strategies;
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
      "Waits for clients, runs all rounds, and writes the run directory.",
      "",
      "The server sets all hyperparameters and sends them to clients each round. Of the base model"
          + " it reads only config.json; clients must have the content hash of the weights beside"
          + " it, or else of the first client's."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ServeCommand implements Callable<Integer> {

  /** The setting of a run that is its base model's content hash. */
  private static final String BASE_HASH = "baseModelHash";

  /** About thirty years. */
  private static final long MOST_SECONDS = 1_000_000_000;

  /** Stands for the clients where settings are compared before the server listens. */
  private static final ClientPool NO_CLIENTS = InProcessClients.of(List.of());

  @Option(
      names = "--host",
      description = "address to listen on (default: all)",
      paramLabel = "ADDRESS")
  private @Nullable String host;

  @Option(
      names = "--port",
      description = "port to listen on; 0: any free port (default: ${DEFAULT-VALUE})",
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
      description = "required content hash of the clients' base model")
  private @Nullable String baseHash;

  @Option(
      names = "--run-dir",
      required = true,
      paramLabel = "DIR",
      description = "run directory: a new one, or with --resume an existing one")
  private Path runDirectory = Path.of("");

  @Option(
      names = "--resume",
      description =
          "resume the run in the directory, if any, with its original settings; --rounds may be"
              + " higher")
  private boolean resume;

  @Option(
      names = "--go-back",
      description =
          "with --resume: if the run's log or a file of a closed round is corrupt, roll back to the"
              + " last round that verifies, and move later files aside")
  private boolean goBack;

  @Option(
      names = "--strategy",
      paramLabel = "NAME[:OPTION=VALUE,...]",
      description =
          "strategy: fedavg, fedavgm, fedprox, scaffold, fedbuff, or one of --strategy-jar"
              + " (default: fedavg)")
  private String strategyName = "fedavg";

  @Option(
      names = "--strategy-jar",
      paramLabel = "FILE.jar",
      description = "jar with custom strategies; repeatable")
  private List<Path> strategyJars = List.of();

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "initial PEFT adapter, with the run's rank, alpha and targets")
  private @Nullable Path adapter;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "rounds of the run (default: ${DEFAULT-VALUE})")
  private int rounds = 10;

  @Option(
      names = "--clients-per-round",
      paramLabel = "C",
      description = "clients sampled per round (default: all connected)")
  private @Nullable Integer clientsPerRound;

  @Option(
      names = "--min-clients",
      paramLabel = "M",
      description = "clients that must be connected when a round begins (default: 1)")
  private int minimumClients = 1;

  @Option(
      names = "--evaluate-clients",
      paramLabel = "N",
      description = "clients sampled per round to evaluate on their held-out data")
  private int evaluateClients;

  @Option(
      names = "--weighting",
      description = "a client's weight: ${COMPLETION-CANDIDATES} (default: examples)")
  private Weights weighting = Weights.EXAMPLES;

  /** What a client's weight is. */
  enum Weights {
    EXAMPLES,
    LABEL_TOKENS,
    UNIFORM
  }

  @Option(
      names = "--weight-cap",
      paramLabel = "W",
      description = "maximum weight of a client in the average (default: no cap)")
  private @Nullable Double weightCap;

  @Option(
      names = "--max-examples",
      paramLabel = "N",
      description =
          "max examples of a client; a result with more is rejected"
              + " (default: ${DEFAULT-VALUE})")
  private long maxExamples = 1_000_000;

  @Option(
      names = "--quorum",
      paramLabel = "N",
      description =
          "usable results that a round needs; with fewer the adapter is unchanged"
              + " (default: ${DEFAULT-VALUE})")
  private int quorum = 1;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "random seed of the run (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      description = "time limit of a round (default: ${DEFAULT-VALUE})")
  private long deadlineSeconds = 24 * 3600;

  @Option(
      names = "--join-timeout",
      paramLabel = "SECONDS",
      description = "how long a round waits for --min-clients (default: ${DEFAULT-VALUE})")
  private long joinTimeoutSeconds = 3600;

  @Option(
      names = "--rejoin-grace",
      paramLabel = "SECONDS",
      description = "how long a client with a task may be disconnected (default: 10)")
  private long rejoinGraceSeconds = 10;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description = "classes for clients' evaluation (default: those of their records)")
  private List<String> labels = List.of();

  @Option(
      names = "--after-label",
      paramLabel = "TEXT",
      description =
          "delimiter scored with a label in evaluation: end for the end of the response, or the"
              + " text that follows it in the responses; auto infers it (default:"
              + " ${DEFAULT-VALUE})")
  private String afterLabel = RunSettings.defaults().afterLabel();

  @Option(names = "--json", description = "print each event as a JSON object on a line")
  private boolean json;

  @Mixin private LoraOptions lora = new LoraOptions();

  @Mixin private TrainingOptions training = new TrainingOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    RunSettings settings = training.toRunSettings().withLabels(labels).withAfterLabel(afterLabel);
    checkRanges();
    ModelConfig config = ModelConfig.read(model);
    config.requireLength(settings.maxLength());
    Federation.Builder federation = federation(start(config.linearLayers()), strategy(), settings);
    if (!resume) {
      RunDirectory.requireNew(runDirectory);
    }
    String known =
        baseHash != null
            ? baseHash
            : BaseWeights.exist(model) ? ModelFiles.contentHash(model) : null;
    Stop stop = new Stop();
    Runtime.getRuntime().addShutdownHook(new Thread(stop::request, "edgefit-server-stop"));
    // Held from here on: another server with this directory ends before it listens.
    try (RunDirectory directory = directory()) {
      String hash = known != null ? known : recordedHash(directory.saved());
      federation.runDirectory(directory).note(BASE_HASH, String.valueOf(hash));
      federation.clients(NO_CLIENTS).build().requireSameSettings(directory, rounds);
      RunTerms terms =
          new RunTerms(directory.runId(), hash, settings, Duration.ofSeconds(rejoinGraceSeconds));
      InetSocketAddress address =
          host == null ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
      try (EdgeFitServer server = EdgeFitServer.start(address, terms)) {
        try {
          serve(server, directory, federation, hash, stop);
        } catch (IOException | RuntimeException | Error e) {
          server.fail(String.valueOf(e.getMessage()));
          throw e;
        }
      }
    } finally {
      stop.ended(); // the clients were told
    }
    return 0;
  }

  /** Returns the recorded hash of a resumed run, or null. */
  private static @Nullable String recordedHash(SavedRun saved) {
    return saved.isEmpty() ? null : String.valueOf(saved.opened().settings().get(BASE_HASH));
  }

  private RunDirectory directory() throws IOException {
    if (!resume) {
      return RunDirectory.create(runDirectory);
    }
    return RunDirectory.resume(runDirectory, goBack ? OnDamage.GO_BACK : OnDamage.REFUSE);
  }

  /** Returns the federation, but for its directory, its clients and its base model's hash. */
  private Federation.Builder federation(Adapter start, Strategy strategy, RunSettings settings) {
    return Federation.builder()
        .strategy(strategy)
        .adapter(start)
        .settings(settings)
        .training(training.toTraining())
        .seed(seed)
        .baseModel(model.toString())
        .quorum(quorum)
        .mustTrain()
        .maxExamples(maxExamples)
        .minimumClients(minimumClients)
        .joinTimeout(Duration.ofSeconds(joinTimeoutSeconds))
        .roundDeadline(Duration.ofSeconds(deadlineSeconds))
        .listener(json ? new JsonListener() : RunListener.console());
  }

  private void serve(
      EdgeFitServer server,
      RunDirectory directory,
      Federation.Builder builder,
      @Nullable String hash,
      Stop stop)
      throws IOException, InterruptedException {
    started(server.port(), hash);
    if (directory.saved().isEmpty()) { // whose first client may decide the base model
      awaitClients(server, stop);
    }
    Federation federation =
        builder
            .clients(server.clients())
            .note(BASE_HASH, String.valueOf(server.baseModelHash()))
            .build();
    stop.of(federation);
    finished(federation.run(rounds));
  }

  private void awaitClients(EdgeFitServer server, Stop stop)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(joinTimeoutSeconds);
    while (!server.clients().await(minimumClients, Duration.ofMillis(200))) {
      if (stop.isRequested()) {
        server.fail("the server was stopped before the first round");
        throw new InterruptedException("stopped before the first round");
      }
      if (System.nanoTime() - end > 0) {
        throw new IOException(
            "clients: "
                + server.clients().available().stream().map(ClientInfo::id).toList()
                + " after "
                + joinTimeoutSeconds
                + " s (expected: at least "
                + minimumClients
                + ")");
      }
    }
  }

  /** Ctrl-C or SIGTERM: the run is stopped, and the process ends once the clients were told. */
  private static final class Stop {

    private static final long MOST_SECONDS = 30;

    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean isRequested;
    private volatile @Nullable Federation federation;

    void of(Federation running) {
      federation = running;
      if (isRequested) {
        running.stop();
      }
    }

    void request() {
      if (ended.getCount() == 0) {
        return; // the end of the process, not its reason
      }
      isRequested = true;
      Federation running = federation;
      if (running != null) {
        running.stop();
      }
      try {
        ended.await(MOST_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    boolean isRequested() {
      return isRequested;
    }

    void ended() {
      ended.countDown();
    }
  }

  private void checkRanges() {
    require(port >= 0 && port <= 65535, "--port", port, "0 to 65535");
    require(rounds >= 1, "--rounds", rounds, ">= 1");
    require(minimumClients >= 1, "--min-clients", minimumClients, ">= 1");
    require(quorum >= 1, "--quorum", quorum, ">= 1");
    require(maxExamples >= 1, "--max-examples", maxExamples, ">= 1");
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
    if (goBack && !resume) {
      throw new IllegalArgumentException("--go-back: without --resume (expected: both)");
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

  private Strategy strategy() throws IOException {
    Weighting weights =
        switch (weighting) {
          case EXAMPLES -> Weighting.examples();
          case LABEL_TOKENS -> Weighting.labelTokens();
          case UNIFORM -> Weighting.uniform();
        };
    FedAvg base =
        Strategy.fedAvg().weighting(weightCap == null ? weights : weights.capped(weightCap));
    if (clientsPerRound != null) {
      base = base.clientsPerRound(clientsPerRound);
    }
    if (evaluateClients > 0) {
      base = base.evaluateClients(evaluateClients);
    }
    return Strategies.found(PluginJars.loader("--strategy-jar", strategyJars))
        .create(strategyName, base);
  }

  private Adapter start(List<LinearSpec> layers) throws IOException {
    if (adapter == null) {
      return Adapter.initial(lora.toLora(), layers, new Seed(seed).split("adapter"));
    }
    return PeftAdapter.read(adapter, layers);
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
          Locale.ROOT,
          "listening on port %d, waiting for %d client%s%n" + "base model: %s%n",
          boundPort,
          minimumClients,
          minimumClients == 1 ? "" : "s",
          hash == null ? "of the first client" : hash);
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
      System.out.printf(Locale.ROOT, "adapter: %s%nSHA-256: %s%n", last, result.adapterSha256());
    }
  }

  /** Prints a JSON object per event. */
  private static final class JsonListener implements RunListener {
    @Override
    public void on(RunEvent event) {
      System.out.println(RunEventCodec.toJson(event));
      System.out.flush();
    }
  }
}
