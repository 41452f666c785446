package org.edgefit.examples.strategies;

import java.util.LinkedHashMap;
import java.util.Map;
import org.edgefit.strategy.ClientMetrics;
import org.edgefit.strategy.ClientSampler;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.StopCondition;
import org.edgefit.strategy.Strategy;

/** What {@code docs/strategies.md} shows, by name. */
public final class Recipes {

  private Recipes() {}

  /** Returns the strategies, each over all clients unless it samples. */
  public static Map<String, Strategy> all() {
    Map<String, Strategy> all = new LinkedHashMap<>();
    all.put("server-step", serverStep());
    all.put("scaffold", scaffold());
    all.put("fedprox", fedProx());
    all.put("own-local-rule", ownLocalRule());
    all.put("mixed-ranks", mixedRanks());
    all.put("buffer", buffer());
    all.put("trimmed-mean", trimmedMean());
    all.put("krum", krum());
    all.put("early-stop", earlyStop());
    all.put("power-of-choice", powerOfChoice());
    all.put("own-metrics", ownMetrics());
    all.put("from-nothing", new CautiousAveraging(3));
    return all;
  }

  static Strategy serverStep() {
    return Strategy.fedAvg().optimizer(new ServerMomentum(1.0, 0.9));
  }

  static Strategy scaffold() {
    return Strategy.fedAvg().clientsPerRound(3).scaffold(1.0);
  }

  static Strategy fedProx() {
    return Strategy.fedAvg().proximal(0.1);
  }

  static Strategy ownLocalRule() {
    return Strategy.fedAvg()
        .assignments((round, client, plain) -> plain.withRule("proximal").with("mu", 0.1));
  }

  static Strategy mixedRanks() {
    return Strategy.fedAvg()
        .assignments(
            (round, client, plain) ->
                client.endsWith("0") ? plain.withStart(plain.start().withRank(1)) : plain)
        .aggregator(new PaddedMean());
  }

  static Strategy buffer() {
    return Strategy.fedAvg().buffered(3, 2, 1.0); // concurrency 3, buffer size 2
  }

  static Strategy trimmedMean() {
    return Strategy.fedAvg().aggregator(RobustRules::trimmedMean);
  }

  static Strategy krum() {
    return Strategy.fedAvg().aggregator(RobustRules::krum);
  }

  static Strategy earlyStop() {
    return Strategy.fedAvg()
        .evaluateClients(2)
        .stopWhen(StopCondition.noBetterFor(2, Measure.lowest("loss")));
  }

  static Strategy powerOfChoice() {
    return Strategy.fedAvg().sampler(ClientSampler.powerOfChoice(4, 2));
  }

  static Strategy ownMetrics() {
    return Strategy.fedAvg()
        .metrics(
            (round, clients) ->
                Map.of(
                    "records", clients.stream().mapToDouble(ClientMetrics::examples).sum(),
                    "worst loss", clients.stream().mapToDouble(Recipes::loss).max().orElse(0)));
  }

  private static double loss(ClientMetrics client) {
    return client.metrics().getOrDefault("loss", 0.0); // may be missing
  }
}
