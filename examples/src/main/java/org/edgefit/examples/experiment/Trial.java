package org.edgefit.examples.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.client.qlora.Evaluator;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.client.qlora.QloraTrainer;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.client.qlora.StepListener;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.metrics.Prediction;
import org.edgefit.random.Seed;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.simulation.RoundTimeline;
import org.edgefit.simulation.SimulatedClients;
import org.edgefit.simulation.VirtualClock;
import org.edgefit.strategy.Strategy;
import org.jspecify.annotations.Nullable;

/**
 * The procedures with one base model and one seed. Each writes its adapter and its measurements to
 * the trial's folder; what is there already is not run again.
 */
final class Trial {

  private final ExperimentConfig config;
  private final BaseModel base;
  private final String model;
  private final Tiers tiers;
  private final ComputeOptions compute;
  private final ExperimentData data;
  private final Path folder;
  private final Seed seed;

  Trial(
      ExperimentConfig config,
      BaseModel base,
      String model,
      Tiers tiers,
      ComputeOptions compute,
      ExperimentData data,
      Path folder,
      Seed seed) {
    this.config = config;
    this.base = base;
    this.model = model;
    this.tiers = tiers;
    this.compute = compute;
    this.data = data;
    this.folder = folder;
    this.seed = seed;
  }

  /**
   * Encodes each client's records before training, and prints how many are dropped.
   *
   * @throws IllegalArgumentException naming a client of which none can
   */
  void requireLearnable() throws IOException {
    if (Collections.disjoint(
        config.procedures(), List.of(Procedure.LOCAL_ONLY, Procedure.FEDERATED))) {
      return;
    }
    for (int client = 0; client < data.homes().parts().size(); client++) {
      ExampleEncoder.Encoded encoded = encoded(data.homes().parts().get(client));
      int records = data.homes().parts().get(client).size();
      if (encoded.examples().isEmpty()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s: none of its records (%d) has a response within the maximum length of %d tokens"
                    + " (expected: a larger training.max-length or partition.minimum)",
                clientId(client),
                records,
                config.run().maxLength()));
      }
      if (encoded.dropped() > 0) {
        System.out.printf(
            Locale.ROOT,
            "%s: %d of %d records exceed training.max-length, and are dropped%n",
            clientId(client),
            encoded.dropped(),
            records);
      }
    }
  }

  private ExampleEncoder.Encoded encoded(InstructionDataset records) throws IOException {
    return base.encoder(config.run()).encode(records);
  }

  /** Runs a procedure, and returns what was measured: once, or once for each client alone. */
  List<Measured> run(Procedure procedure) throws IOException, InterruptedException {
    return switch (procedure) {
      case ZERO_SHOT -> List.of(measured("zero-shot", () -> new Trained(null, 0, List.of())));
      case LOCAL_ONLY -> localOnly();
      case CENTRALISED ->
          List.of(
              measured(
                  "centralised",
                  () ->
                      alone(
                          data.training(),
                          config.training().toBuilder()
                              .epochs(config.alone().centralisedEpochs())
                              .batchSize(config.alone().centralisedBatch())
                              .build(),
                          "centralised")));
      case FEDERATED -> List.of(measured("federated", this::federated));
    };
  }

  /** An adapter, or null for the base model alone, and what it took. */
  private record Trained(@Nullable Adapter adapter, long bytes, List<Measured.Round> rounds) {}

  @FunctionalInterface
  private interface Work {
    Trained run() throws IOException, InterruptedException;
  }

  private Measured measured(String name, Work work) throws IOException, InterruptedException {
    Path file = folder.resolve(name + ".json");
    if (Files.exists(file)) {
      System.out.println(name + ": done, " + file);
      return Measured.read(file);
    }
    long start = System.nanoTime();
    Trained trained = work.run();
    double seconds =
        trained.rounds().isEmpty()
            ? (System.nanoTime() - start) / 1e9
            : trained.rounds().stream().mapToDouble(Measured.Round::seconds).sum();
    if (trained.adapter() != null) {
      PeftAdapter.write(trained.adapter(), folder.resolve(name).resolve("adapter"), model);
    }
    Map<Scoring, List<Prediction>> predictions = new EnumMap<>(Scoring.class);
    try (Evaluator evaluator = new Evaluator(base, trained.adapter())) {
      for (Scoring scoring : config.evaluation().scorings()) {
        predictions.put(
            scoring,
            evaluator
                .evaluate(data.test(), data.labels(), scoring, config.run(), (done, all) -> {})
                .predictions());
      }
    }
    double validation =
        trained.rounds().isEmpty()
            ? validationF1(trained.adapter())
            : trained.rounds().get(trained.rounds().size() - 1).f1();
    Measured measured =
        new Measured(
            data.labels(), predictions, seconds, trained.bytes(), validation, trained.rounds());
    measured.write(file);
    for (Scoring scoring : config.evaluation().scorings()) {
      System.out.printf(
          Locale.ROOT,
          "%s: accuracy %.3f, macro-F1 %.3f by %s (%.0f s)%n",
          name,
          measured.confusion(scoring).accuracy(),
          measured.confusion(scoring).macroF1(),
          Section.spelled(scoring),
          seconds);
    }
    return measured;
  }

  private List<Measured> localOnly() throws IOException, InterruptedException {
    Training settings = config.training().toBuilder().epochs(config.alone().localEpochs()).build();
    ExecutorService threads = Executors.newFixedThreadPool(config.machine().parallel());
    try {
      List<Future<Measured>> clients = new ArrayList<>();
      for (InstructionDataset part : data.homes().parts()) {
        String name = "local-only-" + clients.size();
        clients.add(threads.submit(() -> measured(name, () -> alone(part, settings, name))));
      }
      List<Measured> all = new ArrayList<>();
      for (Future<Measured> client : clients) {
        all.add(client.get());
      }
      return all;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } finally {
      threads.shutdownNow();
      threads.awaitTermination(1, TimeUnit.HOURS); // the base model is closed after this
    }
  }

  private Adapter start() {
    return Adapter.initial(config.lora(), base.linearLayers(), seed.split("adapter"));
  }

  /** Trains once, on one set of records. */
  private Trained alone(InstructionDataset records, Training settings, String name)
      throws IOException, InterruptedException {
    StepListener listener =
        (step, steps, loss) -> {
          if (step % Math.max(1, steps / 10) == 0) {
            System.out.printf(
                Locale.ROOT, "%s: step %d of %d, loss %.3f%n", name, step, steps, loss);
          }
        };
    QloraTrainer.Result result =
        new QloraTrainer(base, listener, compute)
            .train(encoded(records).examples(), start(), settings, 1, 1, seed.split(name));
    return new Trained(result.adapter(), 0, List.of());
  }

  /** Returns the id of a client by its number. */
  static String clientId(int client) {
    return "home-" + client;
  }

  private Trained federated() throws IOException, InterruptedException {
    List<QloraClient> homes = new ArrayList<>();
    List<List<Example>> examples = new ArrayList<>();
    for (InstructionDataset part : data.homes().parts()) {
      homes.add(new QloraClient(clientId(homes.size()), base, part).withCompute(compute));
      examples.add(encoded(part).examples());
    }
    Adapter start = start();
    ClientPool clients = InProcessClients.of(homes).parallel(config.machine().parallel());
    VirtualClock clock = null;
    Federation.Builder federation = Federation.builder();
    if (!tiers.fits().isEmpty()) {
      clock = tiers.clock(examples, start.layout().bytes(), seed);
      clients = new SimulatedClients(clients, clock);
      if (config.federated().deadline() > 0) { // by the clock of the devices
        long millis = Math.round(1000 * config.federated().deadline());
        federation.roundDeadline(Duration.ofMillis(millis));
      }
    }
    RunResult result =
        federation
            .strategy(
                Strategy.fedAvg()
                    .clientsPerRound(config.federated().clientsPerRound())
                    .evaluator(context -> Map.of("f1", validationF1(context.adapter()))))
            .clients(clients)
            .adapter(start)
            .settings(config.run())
            .training(config.training())
            .seed(seed.value())
            .baseModel(model)
            .note("compute", Section.spelled(compute.type()))
            .runDirectory(folder.resolve("federated").resolve("run"))
            .resume()
            .listener(RunListener.console())
            .build()
            .run(config.federated().rounds());
    List<Measured.Round> rounds = new ArrayList<>();
    for (RoundSummary round : result.history().rounds()) {
      rounds.add(round(round, clock));
    }
    return new Trained(result.adapter(), result.history().bytesMoved(), rounds);
  }

  private static Measured.Round round(RoundSummary round, @Nullable VirtualClock clock) {
    List<String> asked = round.clients().stream().map(Outcome::clientId).toList();
    double virtualSeconds = 0;
    double waited = 0;
    if (clock != null && !asked.isEmpty()) {
      RoundTimeline timeline = clock.round(round.round(), asked);
      virtualSeconds = timeline.seconds();
      double first =
          asked.stream()
              .mapToDouble(client -> timeline.time(client, RoundTimeline.Kind.ANSWERED))
              .min()
              .orElse(0);
      waited = Math.max(0, virtualSeconds - first);
    }
    return new Measured.Round(
        round.serverMetrics().getOrDefault("f1", Double.NaN),
        round.bytesDown() + round.bytesUp(),
        round.duration().toMillis() / 1e3,
        virtualSeconds,
        waited,
        asked.size(),
        (int) round.trained());
  }

  private double validationF1(@Nullable Adapter adapter) {
    try (Evaluator evaluator = new Evaluator(base, adapter)) {
      Scoring scoring = config.evaluation().scorings().get(0);
      return evaluator
          .evaluate(data.validation(), data.labels(), scoring, config.run(), (done, all) -> {})
          .metrics()
          .getOrDefault("f1", Double.NaN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
