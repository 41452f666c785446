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
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.PromptTemplate;
import org.edgefit.examples.experiment.ExperimentConfig.Alone;
import org.edgefit.examples.experiment.ExperimentConfig.Compute;
import org.edgefit.examples.experiment.ExperimentConfig.Data;
import org.edgefit.examples.experiment.ExperimentConfig.Dolly;
import org.edgefit.examples.experiment.ExperimentConfig.Evaluation;
import org.edgefit.examples.experiment.ExperimentConfig.Federated;
import org.edgefit.examples.experiment.ExperimentConfig.Generated;
import org.edgefit.examples.experiment.ExperimentConfig.HeldOut;
import org.edgefit.examples.experiment.ExperimentConfig.Intents;
import org.edgefit.examples.experiment.ExperimentConfig.Machine;
import org.edgefit.examples.experiment.ExperimentConfig.Memory;
import org.edgefit.examples.experiment.ExperimentConfig.Partition;
import org.edgefit.examples.experiment.ExperimentConfig.SmartHome;
import org.edgefit.examples.experiment.ExperimentConfig.Tier;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.simulation.DeviceProfile;
import org.jspecify.annotations.Nullable;

/** Reads an experiment's settings from YAML, with their defaults; see {@link ExperimentConfig}. */
final class ExperimentReader {

  private ExperimentReader() {}

  /** Reads a file, some of whose settings are set otherwise. */
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
