package org.edgefit.server.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.RunSettings;
import org.edgefit.federation.ClientInfo;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.format.model.BaseWeights;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.internal.cli.LoraOptions;
import org.edgefit.internal.cli.TrainingOptions;
import org.edgefit.random.Seed;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.SavedRun;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;
import org.edgefit.strategy.Strategy;
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

  @Mixin private StrategyChoice strategy = new StrategyChoice();

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
      names = "--min-clients",
      paramLabel = "M",
      description = "clients that must be connected when a round begins (default: 1)")
  private int minimumClients = 1;

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
      description = "how long a client with a task may be disconnected (default: ${DEFAULT-VALUE})")
  private long rejoinGraceSeconds = 30;

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
    Federation.Builder federation =
        federation(start(config.linearLayers()), strategy.create(), settings);
    if (!resume) {
      RunDirectory.requireNew(runDirectory);
    }
    String known =
        baseHash != null
            ? baseHash
            : BaseWeights.exist(model) ? ModelFiles.contentHash(model) : null;
    StopSignal stop = new StopSignal();
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
        .listener(new ServeOutput(json).listener());
  }

  private void serve(
      EdgeFitServer server,
      RunDirectory directory,
      Federation.Builder builder,
      @Nullable String hash,
      StopSignal stop)
      throws IOException, InterruptedException {
    ServeOutput output = new ServeOutput(json);
    output.listening(server.port(), minimumClients, hash);
    if (directory.saved().isEmpty()) { // whose first client may decide the base model
      awaitClients(server, stop);
    }
    Federation federation =
        builder
            .clients(server.clients())
            .note(BASE_HASH, String.valueOf(server.baseModelHash()))
            .build();
    stop.of(federation);
    output.finished(runDirectory, federation.run(rounds));
  }

  private void awaitClients(EdgeFitServer server, StopSignal stop)
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

  private void checkRanges() {
    require(port >= 0 && port <= 65535, "--port", port, "0 to 65535");
    require(rounds >= 1, "--rounds", rounds, ">= 1");
    require(minimumClients >= 1, "--min-clients", minimumClients, ">= 1");
    require(quorum >= 1, "--quorum", quorum, ">= 1");
    require(maxExamples >= 1, "--max-examples", maxExamples, ">= 1");
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
    if (host != null && new InetSocketAddress(host, port).isUnresolved()) {
      throw new IllegalArgumentException(
          "--host: " + host + " (expected: an address or a name of this machine)");
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

  private Adapter start(List<LinearSpec> layers) throws IOException {
    if (adapter == null) {
      return Adapter.initial(lora.toLora(), layers, new Seed(seed).split("adapter"));
    }
    return PeftAdapter.read(adapter, layers);
  }
}
