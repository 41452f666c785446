package org.edgefit.federation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.Training;
import org.edgefit.format.Json;
import org.edgefit.format.PeftAdapter;
import org.edgefit.random.Seed;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.UpdateStore;
import org.edgefit.strategy.EvaluateOutcome;
import org.edgefit.strategy.FitOutcome;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * The round loop. It is the same for clients in this JVM and behind a network: the pool of clients
 * is what differs. All of a round's updates go through its run directory, and reach the strategy in
 * client-id order, so that the result does not depend on who answered first.
 */
public final class Federation {

  private final Strategy strategy;
  private final ClientPool clients;
  private final Adapter initial;
  private final Training training;
  private final Seed seed;
  private final @Nullable Path runDirectory;
  private final boolean isResumed;
  private final String baseModel;
  private final Map<String, String> notes;
  private final int minimumClients;
  private final Duration joinTimeout;
  private final Duration roundDeadline;
  private final List<RoundListener> listeners;

  private Federation(Builder builder) {
    if (builder.strategy == null || builder.clients == null || builder.adapter == null) {
      throw new IllegalStateException("a federation needs strategy, clients and adapter");
    }
    this.strategy = builder.strategy;
    this.clients = builder.clients;
    this.initial = builder.adapter;
    this.training = builder.training;
    this.seed = builder.seed;
    this.runDirectory = builder.runDirectory;
    this.isResumed = builder.isResumed;
    this.baseModel = builder.baseModel;
    this.notes = new TreeMap<>(builder.notes);
    this.minimumClients = builder.minimumClients;
    this.joinTimeout = builder.joinTimeout;
    this.roundDeadline = builder.roundDeadline;
    this.listeners = List.copyOf(builder.listeners);
  }

  /** Returns a builder, which needs a strategy, clients and the first adapter. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Runs all rounds.
   *
   * @param rounds the number of rounds, >= 0
   * @throws IOException if the run directory cannot be written, is that of a run with other
   *     settings, or another run is at work there
   * @throws IllegalStateException if too few clients are there when a round begins
   */
  public RunResult run(int rounds) throws IOException, InterruptedException {
    if (rounds < 0) {
      throw new IllegalArgumentException("rounds: " + rounds + " (expected: >= 0)");
    }
    if (runDirectory != null) {
      try (RunDirectory directory =
          isResumed ? RunDirectory.open(runDirectory) : RunDirectory.create(runDirectory)) {
        return new Run(directory, rounds).run();
      }
    }
    RunDirectory temporary = RunDirectory.temporary();
    try (temporary) {
      return new Run(temporary, rounds).run();
    } finally {
      temporary.delete();
    }
  }

  /** The state of one run. */
  private final class Run {
    private final RunDirectory directory;
    private final int rounds;
    private final List<RoundSummary> history = new ArrayList<>();
    private Adapter global = initial;

    Run(RunDirectory directory, int rounds) {
      this.directory = directory;
      this.rounds = rounds;
    }

    RunResult run() throws IOException, InterruptedException {
      if (isResumed && directory.hasManifest()) {
        goOn();
      }
      if (history.isEmpty()) {
        long start = System.nanoTime();
        directory.writeManifest(manifest());
        String sha256 = directory.writeAdapter(0, global, baseModel);
        Map<String, Double> before = strategy.evaluate(context(0, List.of()));
        close(
            new RoundSummary(0, List.of(), Map.of(), Map.of(), before, 0, 0, since(start), sha256));
      }
      for (int round = history.size(); round <= rounds; round++) {
        round(round);
      }
      directory.writeFinalAdapter(global, baseModel);
      return new RunResult(global, new History(history));
    }

    /** Takes up the rounds that the directory has. */
    private void goOn() throws IOException {
      ObjectNode before = directory.manifest();
      ObjectNode now = manifest();
      for (String key : (Iterable<String>) now::fieldNames) {
        boolean isProgram = key.equals("java") || key.equals("edgefit");
        if (!isProgram && !now.get(key).toString().equals(String.valueOf(before.get(key)))) {
          throw new IOException(
              directory.path()
                  + ": "
                  + key
                  + ": "
                  + now.get(key)
                  + " (expected: "
                  + before.get(key)
                  + ", with which the run began)");
        }
      }
      history.addAll(FinishedRounds.of(directory.keepFinishedRounds()));
      if (!history.isEmpty()) {
        requireSameStart();
        Adapter saved = PeftAdapter.read(directory.adapterDirectory(history.size() - 1));
        initial.layout().requireSame(saved.layout());
        global = saved;
      }
    }

    /** Holds the initial adapter to the one that the run began with, if that is still there. */
    private void requireSameStart() throws IOException {
      if (!Files.exists(directory.adapterFile(0))) {
        return;
      }
      Adapter first = PeftAdapter.read(directory.adapterDirectory(0));
      initial.layout().requireSame(first.layout());
      for (int t = 0; t < initial.layout().tensors().size(); t++) {
        if (!initial.tensor(t).equals(first.tensor(t))) {
          throw new IOException(
              directory.path()
                  + ": adapter: "
                  + initial.layout().tensors().get(t).name()
                  + ": other values (expected: those with which the run began)");
        }
      }
    }

    private void round(int round) throws IOException, InterruptedException {
      if (!clients.await(minimumClients, joinTimeout)) {
        throw new IllegalStateException(
            "clients: "
                + clients.available()
                + " at the start of round "
                + round
                + " (expected: at least "
                + minimumClients
                + ")");
      }
      long start = System.nanoTime();
      RoundContext context = context(round, clients.available());
      Map<String, Training> plan = strategy.configureFit(context);
      listeners.forEach(
          listener -> listener.roundOpened(round, rounds, List.copyOf(plan.keySet())));
      AdapterLayout layout = global.layout();
      UpdateStore updates = new UpdateStore(directory.updates(round), layout);
      List<FitOutcome> outcomes = new ArrayList<>(clients.fit(request(context, plan, updates)));
      outcomes.sort(Comparator.comparing(FitOutcome::clientId));
      for (FitOutcome outcome : outcomes) {
        if (!(outcome instanceof FitOutcome.Trained)) {
          updates.setAside(outcome.clientId());
        }
      }

      global = strategy.aggregateFit(context, outcomes).orElse(global);
      layout.requireSame(global.layout());
      String sha256 = directory.writeAdapter(round, global, baseModel);

      RoundContext after = context(round, clients.available());
      List<EvaluateOutcome> evaluations = evaluate(after);
      List<ClientReport> reports = outcomes.stream().map(Federation::report).toList();
      close(
          new RoundSummary(
              round,
              reports,
              meanByExamples(outcomes),
              strategy.aggregateEvaluate(after, evaluations),
              strategy.evaluate(after),
              Files.size(directory.adapterFile(round - 1)) * plan.size()
                  + Files.size(directory.adapterFile(round)) * evaluations.size(),
              bytesOf(updates, outcomes),
              since(start),
              sha256));
    }

    private FitRequest request(
        RoundContext context, Map<String, Training> plan, UpdateStore updates) {
      Map<String, FitInstruction> instructions = new LinkedHashMap<>();
      plan.forEach(
          (id, settings) ->
              instructions.put(
                  id,
                  new FitInstruction(
                      context.round(), rounds, global, settings, context.seed().forClient(id))));
      return new FitRequest(
          context.round(),
          instructions,
          directory.adapterFile(context.round() - 1),
          updates,
          roundDeadline,
          outcome -> UpdateCheck.check(outcome, updates.layout()),
          outcome -> finished(context.round(), outcome));
    }

    private void finished(int round, FitOutcome outcome) {
      ClientReport report = report(outcome);
      listeners.forEach(listener -> listener.clientFinished(round, report));
    }

    private List<EvaluateOutcome> evaluate(RoundContext context) throws InterruptedException {
      List<String> asked = strategy.configureEvaluate(context);
      if (asked.isEmpty()) {
        return List.of();
      }
      List<EvaluateOutcome> outcomes =
          new ArrayList<>(
              clients.evaluate(
                  new EvaluateRequest(
                      asked,
                      new EvaluateInstruction(context.round(), global, training),
                      directory.adapterFile(context.round()),
                      roundDeadline)));
      outcomes.sort(Comparator.comparing(EvaluateOutcome::clientId));
      return outcomes;
    }

    private RoundContext context(int round, List<String> available) {
      return new RoundContext(round, rounds, global, available, training, seed.forRound(round));
    }

    private void close(RoundSummary summary) throws IOException {
      for (ClientReport report : summary.clients()) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("round", summary.round());
        row.put("client", report.clientId());
        row.put("outcome", report.outcome());
        if (!report.detail().isEmpty()) {
          row.put("detail", report.detail());
        }
        row.put("examples", report.examples());
        row.put("labelTokens", report.labelTokens());
        row.put("metrics", report.metrics());
        row.put("machine", clients.description(report.clientId()));
        directory.appendMetrics(row);
      }
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("round", summary.round());
      row.put("adapterSha256", summary.adapterSha256());
      row.put("fit", summary.fitMetrics());
      row.put("evaluate", summary.evaluateMetrics());
      row.put("server", summary.serverMetrics());
      row.put("bytesDown", summary.bytesDown());
      row.put("bytesUp", summary.bytesUp());
      row.put("seconds", summary.duration().toMillis() / 1e3);
      directory.appendMetrics(row);
      history.add(summary);
      listeners.forEach(listener -> listener.roundClosed(summary));
    }

    private ObjectNode manifest() {
      ObjectNode manifest = Json.object();
      manifest.put("rounds", rounds);
      manifest.put("seed", seed.value());
      manifest.put("baseModel", baseModel);
      manifest.put("strategy", strategy.getClass().getName());
      manifest.put("minimumClients", minimumClients);
      manifest.put("roundDeadline", roundDeadline.toString());
      manifest.set("lora", Json.tree(initial.config()));
      manifest.set("training", Json.tree(training));
      String version = Federation.class.getPackage().getImplementationVersion();
      manifest.put("edgefit", version == null ? "unpackaged" : version);
      manifest.put("java", Runtime.version().toString());
      notes.forEach(manifest::put);
      return manifest;
    }
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  private static long bytesOf(UpdateStore updates, List<FitOutcome> outcomes) throws IOException {
    long bytes = 0;
    for (FitOutcome outcome : outcomes) {
      bytes += updates.bytesReceived(outcome.clientId());
    }
    return bytes;
  }

  private static ClientReport report(FitOutcome outcome) {
    String id = outcome.clientId();
    if (outcome instanceof FitOutcome.Trained trained) {
      return new ClientReport(
          id, "trained", "", trained.examples(), trained.labelTokens(), trained.metrics());
    }
    if (outcome instanceof FitOutcome.TimedOut late) {
      return new ClientReport(
          id, "timed out", "no answer in " + late.waited().toMillis() / 1e3 + " s", 0, 0, Map.of());
    }
    if (outcome instanceof FitOutcome.Rejected rejected) {
      return new ClientReport(id, "rejected", rejected.reason(), 0, 0, Map.of());
    }
    return new ClientReport(id, "failed", ((FitOutcome.Failed) outcome).reason(), 0, 0, Map.of());
  }

  private static Map<String, Double> meanByExamples(List<FitOutcome> outcomes) {
    Map<String, Double> sums = new TreeMap<>();
    Map<String, Double> weights = new TreeMap<>();
    for (FitOutcome outcome : outcomes) {
      if (outcome instanceof FitOutcome.Trained trained) {
        trained
            .metrics()
            .forEach(
                (name, value) -> {
                  sums.merge(name, value * trained.examples(), Double::sum);
                  weights.merge(name, (double) trained.examples(), Double::sum);
                });
      }
    }
    sums.replaceAll((name, sum) -> sum / weights.getOrDefault(name, 1.0));
    return sums;
  }

  /** Gathers what a federation needs. */
  public static final class Builder {
    private @Nullable Strategy strategy;
    private @Nullable ClientPool clients;
    private @Nullable Adapter adapter;
    private Training training = Training.defaults();
    private Seed seed = new Seed(0);
    private @Nullable Path runDirectory;
    private boolean isResumed;
    private String baseModel = "";
    private final Map<String, String> notes = new TreeMap<>();
    private int minimumClients = 1;
    private Duration joinTimeout = Duration.ofMinutes(10);
    private Duration roundDeadline = Duration.ofHours(24);
    private final List<RoundListener> listeners = new ArrayList<>();

    private Builder() {}

    /** Sets the rule of the federation. */
    public Builder strategy(Strategy value) {
      strategy = value;
      return this;
    }

    /** Sets the clients. */
    public Builder clients(ClientPool value) {
      clients = value;
      return this;
    }

    /** Sets the adapter that the run starts from. */
    public Builder adapter(Adapter value) {
      adapter = value;
      return this;
    }

    /** Sets the clients' training settings. */
    public Builder training(Training value) {
      training = value;
      return this;
    }

    /** Sets the seed of everything random in the run; 0 unless set. */
    public Builder seed(long value) {
      return seed(new Seed(value));
    }

    /** Sets the seed of everything random in the run; 0 unless set. */
    public Builder seed(Seed value) {
      seed = value;
      return this;
    }

    /** Sets the directory that keeps the run; without it, nothing is kept. */
    public Builder runDirectory(Path value) {
      runDirectory = value;
      return this;
    }

    /**
     * Goes on with a run that was interrupted, if the run directory holds one: its finished rounds
     * are not run again, and the rest leads to what the run would have led to. Settings must be
     * those that it began with; strategy and clients are taken to be the same, and to keep nothing
     * from round to round.
     */
    public Builder resume() {
      isResumed = true;
      return this;
    }

    /** Sets the base model's name, for the adapter's config and the manifest. */
    public Builder baseModel(String value) {
      baseModel = value;
      return this;
    }

    /** Adds a line to the manifest. */
    public Builder note(String key, String value) {
      notes.put(key, value);
      return this;
    }

    /** Sets how many clients must be there before a round begins; 1 unless set. */
    public Builder minimumClients(int value) {
      minimumClients = value;
      return this;
    }

    /** Sets how long a round waits for them; 10 minutes unless set. */
    public Builder joinTimeout(Duration value) {
      joinTimeout = value;
      return this;
    }

    /** Sets how long a round waits for the clients' answers; 24 hours unless set. */
    public Builder roundDeadline(Duration value) {
      roundDeadline = value;
      return this;
    }

    /** Adds a listener. */
    public Builder listener(RoundListener value) {
      listeners.add(value);
      return this;
    }

    /**
     * Returns the federation.
     *
     * @throws IllegalStateException if something that it needs has not been set
     */
    public Federation build() {
      if (isResumed && runDirectory == null) {
        throw new IllegalStateException("a federation that goes on needs its run directory");
      }
      return new Federation(this);
    }
  }
}
