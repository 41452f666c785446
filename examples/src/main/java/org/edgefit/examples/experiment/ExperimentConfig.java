package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.LearningRateSchedule;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.PromptTemplate;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.simulation.DeviceProfile;
import org.jspecify.annotations.Nullable;

/**
 * An experiment's settings. Where the paper is silent, the defaults are ours.
 *
 * @param name the experiment's name, for the report
 * @param models base models: directories, GGUF files, {@code hf:ORG/NAME}, {@code tiny-home} for
 *     the embedded one, or {@code random:SHAPE} for random weights
 * @param seeds the experiment is run once for each
 * @param procedures what is run
 * @param data where the records come from
 * @param partition how they are divided
 * @param lora the adapter
 * @param training a client's hyperparameters; epochs are per round
 * @param run the records' template and length
 * @param federated the rounds
 * @param alone the epochs of local-only and centralised training
 * @param evaluation scoring of classes
 * @param tiers the clients' devices on the virtual clock; none for no clock
 * @param memory the shapes whose memory is measured
 * @param machine compute options
 */
record ExperimentConfig(
    String name,
    List<String> models,
    List<Long> seeds,
    List<Procedure> procedures,
    Data data,
    Partition partition,
    LoraConfig lora,
    Training training,
    RunSettings run,
    Federated federated,
    Alone alone,
    Evaluation evaluation,
    List<Tier> tiers,
    Memory memory,
    Machine machine) {

  /**
   * The sources of records; those that are not named are not used.
   *
   * @param smartHome records of the example's generator
   * @param intents folders of utterances with their intents
   * @param dolly records of databricks-dolly-15k
   * @param selfInstruct records that a base model writes
   */
  record Data(SmartHome smartHome, Intents intents, Dolly dolly, Generated selfInstruct) {}

  /**
   * Records of the example's generator.
   *
   * @param events sensor events to classify
   * @param intents voice commands to classify
   * @param commands device commands
   * @param routines routines as JSON
   * @param heldOut the kinds of which validation and test are
   * @param validation labelled records for the learning curve, as many of each class
   * @param test labelled records for the tables, as many of each class
   */
  record SmartHome(
      int events,
      int intents,
      int commands,
      int routines,
      List<HeldOut> heldOut,
      int validation,
      int test) {}

  /** The kinds of records that have classes. */
  enum HeldOut {
    EVENTS,
    INTENTS
  }

  /**
   * Utterances with their intents: folders {@code train}, {@code valid} and {@code test} with the
   * files {@code seq.in} and {@code label}.
   *
   * @param folder the folder of the three; empty for none
   * @param prefix what the names of the wanted intents begin with; it is left out of the labels
   * @param question what is asked, with %s for the utterance
   */
  record Intents(String folder, String prefix, String question) {}

  /**
   * Records of databricks-dolly-15k.
   *
   * @param file a JSON-lines file, which may be compressed by gzip, or {@code
   *     hf:datasets/ORG/NAME/FILE}; empty for none
   * @param without the categories that are left out
   * @param records how many of the most relevant are taken
   * @param lexicon a file of terms; empty for that of smart homes
   */
  record Dolly(String file, List<String> without, int records, String lexicon) {}

  /**
   * Records that a base model writes.
   *
   * @param wanted how many
   * @param teacher the base model
   */
  record Generated(int wanted, String teacher) {}

  /**
   * How records are divided.
   *
   * @param clients the clients
   * @param alpha the concentration of the Dirichlet distribution over labels, or where a record has
   *     none, categories
   * @param minimum the records that every client has at least
   * @param maximum the records that a client keeps at most; 0 for all
   */
  record Partition(int clients, double alpha, int minimum, int maximum) {}

  /**
   * The federated procedure.
   *
   * @param rounds the rounds
   * @param clientsPerRound the clients of a round
   * @param deadline how long the server waits on the virtual clock, in seconds; 0 for as long as it
   *     takes
   * @param targetF1 the validation macro-F1 whose time is reported
   */
  record Federated(int rounds, int clientsPerRound, double deadline, double targetF1) {}

  /**
   * The procedures that train once.
   *
   * @param localEpochs the epochs of each client alone
   * @param centralisedEpochs the epochs over all data
   * @param centralisedBatch the records of a forward pass over all data
   */
  record Alone(int localEpochs, int centralisedEpochs, int centralisedBatch) {}

  /**
   * How classes are told.
   *
   * @param scorings the ways, the first of which is that of learning curves
   * @param resamples the draws of the bootstrap
   */
  record Evaluation(List<Scoring> scorings, int resamples) {}

  /**
   * Devices of one kind.
   *
   * @param name the tier's name
   * @param device the device
   * @param models the models whose clients are of this tier, among others; empty for all
   */
  record Tier(String name, DeviceProfile device, List<String> models) {}

  /**
   * The measurement of a training step's memory.
   *
   * @param budgets the shapes, each with the bytes that its process shall take; 0 for any
   * @param batch records of the step
   * @param sequence tokens of a record
   */
  record Memory(Map<String, Long> budgets, int batch, int sequence) {}

  /** The type of products. */
  enum Compute {
    FLOAT32,
    BFLOAT16,
    AUTO
  }

  /**
   * How it is computed.
   *
   * @param threads threads of one operation; 0 for one per core
   * @param parallel clients that train at once
   * @param compute the type of products
   */
  record Machine(int threads, int parallel, Compute compute) {

    /** Returns the type that memory is planned for: float32, unless it is bfloat16 for certain. */
    ComputeType fixedType() {
      return compute == Compute.BFLOAT16 ? ComputeType.BFLOAT16 : ComputeType.FLOAT32;
    }
  }

  /**
   * Reads a YAML file; a key that is not a setting is an error.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException naming the setting, its value and what was expected
   */
  static ExperimentConfig read(Path file) throws IOException {
    return read(file, Map.of());
  }

  /**
   * Reads a YAML file, some of whose settings are set otherwise.
   *
   * @param settings by key, as in {@code federated.rounds}, the value as YAML
   */
  static ExperimentConfig read(Path file, Map<String, String> settings) throws IOException {
    Section all = Section.read(file, settings);
    Section data = all.section("data");
    Section partition = all.section("partition");
    Section federated = all.section("federated");
    Section training = all.section("training");
    Section alone = all.section("alone");
    Section evaluation = all.section("evaluation");
    Section machine = all.section("machine");
    int clients = partition.whole("clients", 10, 1);
    int rounds = federated.whole("rounds", 50, 1);
    int perRound = federated.whole("clients-per-round", Math.min(5, clients), 1);
    if (perRound > clients) {
      throw new IllegalArgumentException(
          file
              + ": federated.clients-per-round: "
              + perRound
              + " (expected: at most "
              + clients
              + ", the clients)");
    }
    int epochs = training.whole("epochs", 3, 1);
    int likewise = Math.max(1, Math.round(rounds * epochs * (float) perRound / clients));
    ExperimentConfig config =
        new ExperimentConfig(
            all.text("name", file.getFileName().toString().replaceFirst("\\.ya?ml$", "")),
            all.texts("models", List.of("tiny-home")),
            all.wholes("seeds", List.of(1L)),
            all.choices("procedures", Procedure.class, List.of(Procedure.values())),
            new Data(
                smartHome(data.section("smart-home")),
                intents(data.section("intents")),
                dolly(data.section("dolly")),
                generated(data.section("self-instruct"))),
            new Partition(
                clients,
                partition.number("alpha", 0.5, 1e-6),
                partition.whole("minimum", 1, 1),
                partition.whole("maximum", 0, 0)),
            lora(all.section("lora")),
            training(training, epochs),
            run(training),
            new Federated(
                rounds,
                perRound,
                federated.number("deadline", 0, 0),
                federated.number("target-f1", 0.8, 0)),
            new Alone(
                alone.whole("local-epochs", likewise, 1),
                alone.whole("centralised-epochs", likewise, 1),
                alone.whole("centralised-batch", training.whole("batch", 8, 1), 1)),
            new Evaluation(
                evaluation.choices(
                    "scorings",
                    Scoring.class,
                    List.of(Scoring.GENERATION, Scoring.LIKELIHOOD_PER_TOKEN)),
                evaluation.whole("resamples", 2000, 1)),
            tiers(all.section("tiers")),
            memory(all.section("memory")),
            new Machine(
                machine.whole("threads", 0, 0),
                machine.whole("parallel", 1, 1),
                machine.choice("compute", Compute.class, Compute.FLOAT32)));
    all.finish();
    if (config.federated().deadline() > 0 && config.tiers().isEmpty()) {
      throw new IllegalArgumentException(
          file
              + ": federated.deadline: "
              + config.federated().deadline()
              + " (expected: 0 without tiers)");
    }
    if (Set.copyOf(config.seeds()).size() < config.seeds().size()) {
      throw new IllegalArgumentException(
          file + ": seeds: " + config.seeds() + " (expected: none twice)");
    }
    return config;
  }

  private static SmartHome smartHome(Section section) {
    boolean isThere = section.isThere();
    return new SmartHome(
        section.whole("events", isThere ? 1300 : 0, 0),
        section.whole("intents", isThere ? 500 : 0, 0),
        section.whole("commands", isThere ? 450 : 0, 0),
        section.whole("routines", isThere ? 250 : 0, 0),
        section.choices("held-out", HeldOut.class, List.of(HeldOut.values())),
        section.whole("validation", isThere ? 105 : 0, 0),
        section.whole("test", isThere ? 301 : 0, 0));
  }

  private static Intents intents(Section section) {
    section.knows("folder", "prefix", "question");
    return new Intents(
        section.isThere() ? section.text("folder") : section.text("folder", ""),
        section.text("prefix", ""),
        section.text("question", "Which smart home intent does this command have: \"%s\""));
  }

  private static Dolly dolly(Section section) {
    section.knows("file", "without", "records", "lexicon");
    return new Dolly(
        section.isThere() ? section.text("file") : section.text("file", ""),
        section.texts("without", List.of("creative_writing", "closed_qa", "general_qa")),
        section.whole("records", 4500, 1),
        section.text("lexicon", ""));
  }

  private static Generated generated(Section section) {
    return new Generated(
        section.whole("wanted", section.isThere() ? 2500 : 0, 0),
        section.text("teacher", "tiny-home"));
  }

  private static List<Tier> tiers(Section section) {
    List<Tier> tiers = new ArrayList<>();
    for (String name : section.keys()) {
      Section of = section.section(name);
      tiers.add(new Tier(name, device(of), of.texts("models", List.of())));
    }
    return List.copyOf(tiers);
  }

  /** Reads a device: one by name, of which something may be otherwise, or one's own. */
  private static DeviceProfile device(Section section) {
    section.knows(
        "device",
        "models",
        "memory-gb",
        "gflops",
        "down-mbit",
        "up-mbit",
        "latency-ms",
        "dropout",
        "spread");
    String name = section.text("device", "");
    DeviceProfile known = name.isEmpty() ? null : section.checked(() -> DeviceProfile.named(name));
    double megabit = 1e6 / 8;
    double memory = rate(section, "memory-gb", known, 1e9, DeviceProfile::memoryBytes);
    double flops = rate(section, "gflops", known, 1e9, DeviceProfile::flopsPerSecond);
    double down = rate(section, "down-mbit", known, megabit, DeviceProfile::downBytesPerSecond);
    double up = rate(section, "up-mbit", known, megabit, DeviceProfile::upBytesPerSecond);
    double latency =
        section.number("latency-ms", known == null ? 0 : 1e3 * known.latencySeconds(), 0);
    double dropout = section.number("dropout", known == null ? 0 : known.dropout(), 0);
    double spread = section.number("spread", known == null ? 0 : known.spread(), 0);
    return section.checked(
        () ->
            new DeviceProfile(
                known == null ? "own" : known.name(),
                (long) memory,
                flops,
                down,
                up,
                latency / 1e3,
                dropout,
                spread));
  }

  private static double rate(
      Section section,
      String key,
      @Nullable DeviceProfile known,
      double unit,
      ToDoubleFunction<DeviceProfile> rate) {
    double least = 1e-6;
    return unit
        * (known == null
            ? section.number(key, least)
            : section.number(key, rate.applyAsDouble(known) / unit, least));
  }

  private static Memory memory(Section section) {
    Map<String, Long> budgets = new LinkedHashMap<>();
    Section shapes = section.section("shapes");
    for (String shape : shapes.keys()) {
      shapes.checked(() -> ModelConfig.shape(shape));
      budgets.put(shape, (long) (1e9 * shapes.number(shape, 0, 0)));
    }
    return new Memory(budgets, section.whole("batch", 4, 1), section.whole("sequence", 256, 1));
  }

  private static LoraConfig lora(Section section) {
    int rank = section.whole("rank", 16, 1);
    LoraConfig defaults = LoraConfig.attention(rank);
    double alpha = section.number("alpha", 2.0 * rank, 0);
    double dropout = section.number("dropout", 0.05, 0);
    List<String> targets = section.texts("targets", defaults.targets());
    return section.checked(() -> new LoraConfig(rank, alpha, dropout, targets));
  }

  private static Training training(Section section, int epochs) {
    Training defaults = Training.defaults();
    return section.checked(
        () ->
            defaults.toBuilder()
                .epochs(epochs)
                .batchSize(section.whole("batch", 8, 1))
                .accumulation(section.whole("accumulation", 1, 1))
                .learningRate(section.number("learning-rate", 2e-4, 0))
                .weightDecay(section.number("weight-decay", 0, 0))
                .clipNorm(section.number("clip-norm", defaults.clipNorm(), 0))
                .scheduleOverRun(
                    section.choice(
                        "schedule", LearningRateSchedule.class, LearningRateSchedule.CONSTANT),
                    section.number("warmup", 0, 0))
                .build());
  }

  /** The records' template and length, which stand under {@code training} too. */
  private static RunSettings run(Section section) {
    List<String> templates = new ArrayList<>(List.of(RunSettings.AUTO_TEMPLATE));
    templates.addAll(PromptTemplate.NAMES);
    String template = section.oneOf("template", templates);
    return section.checked(
        () ->
            RunSettings.defaults()
                .withTemplate(template)
                .withMaxLength(section.whole("max-length", 512, 2)));
  }
}
