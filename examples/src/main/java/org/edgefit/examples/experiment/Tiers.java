package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.qlora.MemoryPlan;
import org.edgefit.data.Example;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;
import org.edgefit.simulation.ClientWork;
import org.edgefit.simulation.VirtualClock;

/** The devices of a model's clients, and a round's cost on them. */
final class Tiers {

  /** What a training takes of a device's memory. */
  record Fit(ExperimentConfig.Tier tier, long bytes, int layersKept, int layers) {}

  private final ExperimentConfig config;
  private final ModelConfig model;
  private final List<Fit> fits;

  private Tiers(ExperimentConfig config, ModelConfig model, List<Fit> fits) {
    this.config = config;
    this.model = model;
    this.fits = List.copyOf(fits);
  }

  /**
   * Returns the tiers of a model, which may be none: then there is no virtual clock.
   *
   * @throws IllegalArgumentException naming the tier on which the model cannot be trained, or if
   *     there are tiers, but none for the model
   */
  static Tiers of(ExperimentConfig config, String name, ModelConfig model) {
    ComputeType type = config.machine().fixedType();
    int rows = rows(config);
    try {
      AdapterLayout.of(config.lora().resolvedFor(model.linearLayers()), model.linearLayers());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("lora." + e.getMessage() + ", of " + name, e);
    }
    List<Fit> fits = new ArrayList<>();
    for (ExperimentConfig.Tier tier : config.tiers()) {
      if (!tier.models().isEmpty() && !tier.models().contains(name)) {
        continue;
      }
      MemoryPlan plan;
      try {
        plan =
            MemoryPlan.of(model, config.run().quantization(), config.lora(), type)
                .within(tier.device().memoryBytes(), rows);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "tiers."
                + tier.name()
                + ": "
                + name
                + " does not fit the "
                + tier.device().memoryBytes() / 1e9
                + " GB of its device, with training.batch x training.max-length tokens in a pass: "
                + e.getMessage(),
            e);
      }
      fits.add(
          new Fit(
              tier,
              MemoryPlan.total(plan.components(rows)),
              plan.layersKept(rows),
              model.layers()));
    }
    if (fits.isEmpty() && !config.tiers().isEmpty()) {
      throw new IllegalArgumentException(
          "tiers: none of "
              + config.tiers().stream().map(ExperimentConfig.Tier::name).toList()
              + " names "
              + name
              + " among its models (expected: at least one)");
    }
    return new Tiers(config, model, fits);
  }

  /** Returns the most tokens of a forward pass. */
  static int rows(ExperimentConfig config) {
    return Math.multiplyExact(config.training().batchSize(), config.run().maxLength());
  }

  /** Returns what training takes where all layers keep their activations, in bytes. */
  long unlimitedBytes() {
    MemoryPlan plan =
        MemoryPlan.of(
            model, config.run().quantization(), config.lora(), config.machine().fixedType());
    return MemoryPlan.total(plan.components(rows(config)));
  }

  /** Returns the tiers, and what training takes on each. */
  List<Fit> fits() {
    return fits;
  }

  /** Returns the tier of a client: assigned round-robin. */
  Fit of(int client) {
    return fits.get(client % fits.size());
  }

  /**
   * Returns the clock of a federation.
   *
   * @param examples the examples of each client
   * @param adapterBytes what is sent either way
   */
  VirtualClock clock(List<List<Example>> examples, long adapterBytes, Seed seed) {
    long head = (long) model.vocabularySize() * model.hiddenSize();
    long weights = model.parameters() - (model.tiedEmbeddings() ? 0 : head);
    Map<String, ClientWork> work = new TreeMap<>();
    for (int client = 0; client < examples.size(); client++) {
      Fit fit = of(client);
      double tokens =
          config.training().epochs()
              * (double) examples.get(client).stream().mapToInt(Example::length).sum();
      double flops = tokens * ClientWork.flopsPerToken(weights, fit.layersKept() < fit.layers());
      work.put(
          Trial.clientId(client),
          new ClientWork(fit.tier().device(), adapterBytes, flops, adapterBytes));
    }
    double deadline = config.federated().deadline();
    return new VirtualClock(work, deadline == 0 ? Double.POSITIVE_INFINITY : deadline, seed);
  }
}
