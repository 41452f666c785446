package org.edgefit.server.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.edgefit.internal.cli.PluginJars;
import org.edgefit.strategy.FedAvg;
import org.edgefit.strategy.Strategies;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Weighting;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the strategy: its name, and the parts that FedAvg and its kin share. */
final class StrategyChoice {

  /** The strategies that weight results by a rule of their own. */
  private static final Set<String> OWN_WEIGHTS = Set.of("scaffold", "fedbuff");

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
      names = "--clients-per-round",
      paramLabel = "C",
      description = "clients sampled per round (default: all connected)")
  private @Nullable Integer clientsPerRound;

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

  /**
   * Returns the strategy that was chosen.
   *
   * @throws IOException if a jar cannot be read
   * @throws IllegalArgumentException naming the option that is not valid
   */
  Strategy create() throws IOException {
    if (evaluateClients < 0) {
      throw new IllegalArgumentException(
          "--evaluate-clients: " + evaluateClients + " (expected: >= 0)");
    }
    String name = strategyName.replaceFirst(":.*", "");
    if (OWN_WEIGHTS.contains(name) && (weightCap != null || weighting != Weights.EXAMPLES)) {
      throw new IllegalArgumentException(
          (weightCap != null ? "--weight-cap: " + weightCap : "--weighting: " + weighting)
              + " (expected: not with "
              + name
              + ", which weights results itself)");
    }
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
}
