package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.edgefit.client.ClientId;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.LocalRules;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.client.wire.JoinRequest;
import org.edgefit.client.wire.ServerConnection;
import org.edgefit.data.InstructionDataset;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.internal.cli.PluginJars;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes part in a run. */
@Command(
    name = "join",
    description = {
      "Connects to a server and takes part in its run.",
      "",
      "The data stay local: only the adapter delta is sent. The server sets the hyperparameters;"
          + " its base model must be byte-identical."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class JoinCommand implements Callable<Integer> {

  @Option(
      names = "--server",
      required = true,
      paramLabel = "HOST:PORT",
      description = "the server's address")
  private String server = "";

  @Option(
      names = "--id",
      required = true,
      paramLabel = "NAME",
      description = "this client's id, unique in the run")
  private String id = "";

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "the base model: " + ModelLocation.ANY)
  private String location = "";

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE.jsonl",
      description = "records to train on")
  private Path data = Path.of("");

  @Option(
      names = "--eval-data",
      paramLabel = "FILE.jsonl",
      description = "records to evaluate on, if the server asks")
  private @Nullable Path evaluationData;

  @Option(
      names = "--patience",
      paramLabel = "SECONDS",
      description = "how long to retry an unreachable server (default: ${DEFAULT-VALUE})")
  private long patienceSeconds = 600;

  @Option(
      names = "--state-dir",
      paramLabel = "DIR",
      description =
          "folder for this client's state across rounds, if a run's strategy uses it"
              + " (default: $XDG_STATE_HOME/edgefit, or ~/.local/state/edgefit)")
  private @Nullable Path stateDirectory;

  @Option(
      names = "--rule-jar",
      paramLabel = "FILE.jar",
      description = "jar with custom local rules, for a strategy that uses them; repeatable")
  private List<Path> ruleJars = List.of();

  @Option(names = "--json", description = "print each step as a JSON object on a line")
  private boolean json;

  @Mixin private DataOptions dataOptions = new DataOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Mixin private ComputeOption compute = new ComputeOption();

  /** Returns what the server is told of this client. */
  private Map<String, String> description(
      ComputeOptions options, @Nullable InstructionDataset heldOut) {
    Map<String, String> description = new TreeMap<>(QloraClient.machine(options, machine.device()));
    description.put(
        FederatedClient.EVALUATION_RECORDS, Integer.toString(heldOut == null ? 0 : heldOut.size()));
    return description;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    int colon = server.lastIndexOf(':');
    int port = colon < 1 ? -1 : port(server.substring(colon + 1));
    if (port < 1) {
      throw new IllegalArgumentException("--server: " + server + " (expected: HOST:PORT)");
    }
    ClientId.require(id);
    InstructionDataset records = dataOptions.read(data);
    if (records.size() == 0) {
      throw new IOException(data + ": no records (expected: at least one to train on)");
    }
    if (patienceSeconds < 1 || patienceSeconds > 1_000_000_000) {
      throw new IllegalArgumentException(
          "--patience: " + patienceSeconds + " (expected: 1 to 1000000000)");
    }
    InstructionDataset heldOut = evaluationData == null ? null : dataOptions.read(evaluationData);
    Path state = stateDirectory == null ? defaultState() : stateDirectory;
    LocalRules rules = LocalRules.found(PluginJars.loader("--rule-jar", ruleJars));
    machine.apply();
    Path model = ModelLocation.resolve(location);
    ModelConfig config = ModelConfig.read(model);
    ComputeOptions options = compute.forModel(config, machine.device());
    AtomicReference<BaseModel> loaded = new AtomicReference<>();
    String hash = ModelFiles.contentHash(model);
    Path work = Files.createTempDirectory("edgefit-" + id + "-");
    JoinRequest request =
        new JoinRequest(
            id,
            hash,
            config.linearLayers(),
            description(options, heldOut),
            work,
            state,
            Duration.ofSeconds(patienceSeconds),
            settings -> {
              BaseModel base = BaseModel.load(model, settings.quantization(), machine.device());
              loaded.set(base);
              QloraClient client =
                  new QloraClient(id, base, records)
                      .withCompute(options)
                      .withRules(rules)
                      .withListener(new StepDisplay(id, json));
              return heldOut == null ? client : client.withHeldOut(heldOut);
            });
    Thread cleaner = new Thread(() -> deleteQuietly(work), "edgefit-cleaner");
    Runtime.getRuntime().addShutdownHook(cleaner); // for a signal, which ends no try block
    try (ServerConnection connection =
        new ServerConnection(server.substring(0, colon), port, request)) {
      connection.run();
    } finally {
      BaseModel base = loaded.get();
      if (base != null) {
        base.close();
      }
      deleteQuietly(work);
    }
    if (json) {
      System.out.println(Json.line(Map.of("finished", id)));
    } else {
      System.err.println(id + ": the run is over");
    }
    return 0;
  }

  private static Path defaultState() {
    String given = System.getenv("XDG_STATE_HOME");
    if (given != null && Path.of(given).isAbsolute()) {
      return Path.of(given, "edgefit");
    }
    String known = System.getProperty("user.home", "");
    String home = known.startsWith("?") ? String.valueOf(System.getenv("HOME")) : known;
    if (!Path.of(home).isAbsolute()) {
      throw new IllegalArgumentException(
          "--state-dir: not set, and this user has no home directory (expected: a persistent"
              + " folder)");
    }
    return Path.of(home, ".local", "state", "edgefit");
  }

  /** Deletes the folder and any file left by a broken transfer. */
  private static void deleteQuietly(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      System.err.println(folder + ": not deleted (" + e + ")");
    }
  }

  private static int port(String text) {
    try {
      int port = Integer.parseInt(text);
      return port <= 65535 ? port : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
