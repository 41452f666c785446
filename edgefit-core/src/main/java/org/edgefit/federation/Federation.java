package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.file.Json;
import org.edgefit.random.Seed;
import org.edgefit.run.EdgeFitVersion;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunDirectory;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.Strategy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A federation: a strategy, clients, and the adapter that they train. Clients in this JVM and
 * remote ones differ only in the client pool. All updates of a round go through the run directory
 * and reach the strategy in client-id order, so the result does not depend on arrival order.
 */
public final class Federation {

  static final Logger log = LoggerFactory.getLogger(Federation.class);

  final Strategy strategy;
  final ClientPool clients;
  final Adapter initial;
  final RunSettings runSettings;
  final Training training;
  final Seed seed;
  final String baseModel;
  final int minimumClients;
  final Duration joinTimeout;
  final Duration roundDeadline;
  final int quorum;
  final boolean mustTrain;
  final long maxExamples;
  final long maxLabelTokens;
  final int rollbackRounds;
  final @Nullable Measure best;
  final List<RunListener> listeners;
  private final @Nullable Path path;
  private final @Nullable RunDirectory held;
  private final @Nullable OnDamage resume;
  private final Map<String, String> notes;
  private volatile boolean isStopping;

  private Federation(Builder builder) {
    if (builder.strategy == null || builder.clients == null || builder.adapter == null) {
      throw new IllegalStateException("strategy, clients and adapter are required");
    }
    this.strategy = builder.strategy;
    this.clients = builder.clients;
    this.initial = builder.adapter;
    this.runSettings = builder.runSettings;
    this.training = builder.training;
    this.seed = builder.seed;
    this.path = builder.path;
    this.held = builder.held;
    this.resume = builder.resume;
    this.baseModel = builder.baseModel;
    this.notes = new TreeMap<>(builder.notes);
    this.minimumClients = builder.minimumClients;
    this.joinTimeout = builder.joinTimeout;
    this.roundDeadline = builder.roundDeadline;
    this.quorum = builder.quorum;
    this.mustTrain = builder.mustTrain;
    this.maxExamples = builder.maxExamples;
    this.maxLabelTokens = builder.maxLabelTokens;
    this.rollbackRounds = builder.rollbackRounds;
    this.best = builder.best;
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
   * @throws IOException if the run directory cannot be written, belongs to a run with other
   *     settings, or is in use by another run
   * @throws IllegalStateException if too few clients are available for a round
   * @throws InterruptedException if the thread is interrupted, or {@link #stop} is called; a run
   *     with a directory can be resumed
   */
  public RunResult run(int rounds) throws IOException, InterruptedException {
    if (rounds < 0) {
      throw new IllegalArgumentException("rounds: " + rounds + " (expected: >= 0)");
    }
    if (held != null) {
      return new FederationRun(this, held, rounds).run();
    }
    if (path != null) {
      try (RunDirectory directory =
          resume == null ? RunDirectory.create(path) : RunDirectory.resume(path, resume)) {
        return new FederationRun(this, directory, rounds).run();
      }
    }
    RunDirectory temporary = RunDirectory.temporary();
    try (temporary) {
      return new FederationRun(this, temporary, rounds).run();
    } finally {
      temporary.delete();
    }
  }

  /**
   * Checks, before any task is sent, that the run in a directory began with these settings.
   *
   * @throws IOException naming the first setting that is another
   */
  public void requireSameSettings(RunDirectory directory, int rounds) throws IOException {
    if (!directory.saved().isEmpty()) {
      SettingsCheck.differences(
          directory.path(), directory.saved().opened().settings(), settings(rounds));
    }
  }

  /**
   * Stops the run, from any thread: the current round stays open, no client is marked as failed,
   * and {@link #run} soon throws {@link InterruptedException}.
   */
  public void stop() {
    isStopping = true;
  }

  boolean isStopping() {
    return isStopping;
  }

  /** Returns all settings of the run. */
  Map<String, Object> settings(int rounds) {
    Map<String, Object> settings = new TreeMap<>();
    settings.put("rounds", rounds);
    settings.put("seed", seed.value());
    settings.put("baseModel", baseModel);
    settings.put("strategy", strategy.settings());
    settings.put("minimumClients", minimumClients);
    settings.put("quorum", quorum);
    settings.put("maxExamples", maxExamples);
    settings.put("maxLabelTokens", maxLabelTokens);
    settings.put("roundDeadline", roundDeadline.toString());
    settings.put("rollbackRounds", rollbackRounds);
    settings.put("lora", Json.tree(initial.config()));
    settings.put("settings", Json.tree(runSettings));
    settings.put("training", Json.tree(training));
    settings.put("edgefit", EdgeFitVersion.current());
    settings.put("java", Runtime.version().toString());
    settings.putAll(notes);
    return settings;
  }

  /** Builds a federation. */
  public static final class Builder {
    private @Nullable Strategy strategy;
    private @Nullable ClientPool clients;
    private @Nullable Adapter adapter;
    private RunSettings runSettings = RunSettings.defaults();
    private Training training = Training.defaults();
    private Seed seed = new Seed(0);
    private @Nullable Path path;
    private @Nullable RunDirectory held;
    private @Nullable OnDamage resume;
    private String baseModel = "";
    private final Map<String, String> notes = new TreeMap<>();
    private int minimumClients = 1;
    private Duration joinTimeout = Duration.ofMinutes(10);
    private Duration roundDeadline = Duration.ofHours(24);
    private int quorum = 1;
    private boolean mustTrain;
    private long maxExamples = 1_000_000;
    private long maxLabelTokens = 1_000_000_000;
    private int rollbackRounds = 8;
    private @Nullable Measure best;
    private final List<RunListener> listeners = new ArrayList<>();

    private Builder() {}

    /** Sets the strategy. */
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

    /** Sets the settings that all clients of the run share. */
    public Builder settings(RunSettings value) {
      runSettings = value;
      return this;
    }

    /** Sets the default hyperparameters of the clients. */
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

    /** Sets the run directory; without it, nothing is kept. */
    public Builder runDirectory(Path value) {
      path = value;
      return this;
    }

    /**
     * Sets the run directory, which the caller opens and closes; the way it is opened decides
     * whether the run is new or resumed.
     */
    public Builder runDirectory(RunDirectory value) {
      held = value;
      return this;
    }

    /**
     * Resumes the stopped run in the run directory, if any: logged work is not repeated, and the
     * result is that of an uninterrupted run. Settings must match except for more rounds; clients
     * are assumed to be the same. A corrupt log or file of a closed round is an error.
     */
    public Builder resume() {
      return resume(OnDamage.REFUSE);
    }

    /** Resumes a stopped run, as {@link #resume()}. */
    public Builder resume(OnDamage onDamage) {
      resume = onDamage;
      return this;
    }

    /** Sets the base model's name, for the adapter's config and the manifest. */
    public Builder baseModel(String value) {
      baseModel = value;
      return this;
    }

    /** Makes a run fail if no client trained in any round; else it returns the first adapter. */
    public Builder mustTrain() {
      mustTrain = true;
      return this;
    }

    /** Adds an entry to run.json. */
    public Builder note(String key, String value) {
      notes.put(key, value);
      return this;
    }

    /** Sets the minimum available clients to start a round; default 1. */
    public Builder minimumClients(int value) {
      minimumClients = value;
      return this;
    }

    /** Sets how long a round waits for them; 10 minutes unless set. */
    public Builder joinTimeout(Duration value) {
      joinTimeout = value;
      return this;
    }

    /** Sets the time limit of a task; default 24 hours. */
    public Builder roundDeadline(Duration value) {
      roundDeadline = value;
      return this;
    }

    /**
     * Sets the minimum usable results of a round; with fewer the adapter is unchanged. Default 1.
     */
    public Builder quorum(int value) {
      quorum = value;
      return this;
    }

    /** Sets the maximum examples of a client; a result with more is rejected. Default 10^6. */
    public Builder maxExamples(long value) {
      maxExamples = value;
      return this;
    }

    /** Sets the maximum label tokens of a client, likewise; default 10^9. */
    public Builder maxLabelTokens(long value) {
      maxLabelTokens = value;
      return this;
    }

    /** Sets how many rounds clients keep their state for, which limits rollback; default 8. */
    public Builder rollbackRounds(int value) {
      rollbackRounds = value;
      return this;
    }

    /** Sets the metric that selects {@link RunResult#best}. */
    public Builder best(Measure value) {
      best = value;
      return this;
    }

    /** Adds a listener. */
    public Builder listener(RunListener value) {
      listeners.add(value);
      return this;
    }

    /**
     * Returns the federation.
     *
     * @throws IllegalStateException if something that it needs has not been set
     * @throws IllegalArgumentException if a number is out of its range
     */
    public Federation build() {
      if (resume != null && path == null) {
        throw new IllegalStateException("resume() needs a run directory");
      }
      require("minimumClients", minimumClients);
      require("quorum", quorum);
      require("maxExamples", maxExamples);
      require("maxLabelTokens", maxLabelTokens);
      require("rollbackRounds", rollbackRounds);
      if (roundDeadline.isNegative() || roundDeadline.isZero()) {
        throw new IllegalArgumentException("roundDeadline: " + roundDeadline + " (expected: > 0)");
      }
      return new Federation(this);
    }

    private static void require(String what, long value) {
      if (value < 1) {
        throw new IllegalArgumentException(what + ": " + value + " (expected: >= 1)");
      }
    }
  }
}
