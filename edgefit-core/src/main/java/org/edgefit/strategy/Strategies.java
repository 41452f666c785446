package org.edgefit.strategy;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.BiFunction;

/** The registered strategies, by name. */
public final class Strategies {

  private record BuiltIn(
      String name, String description, BiFunction<FedAvg, StrategyOptions, Strategy> factory)
      implements StrategyProvider {
    @Override
    public Strategy create(FedAvg base, StrategyOptions options) {
      return factory.apply(base, options);
    }
  }

  private static final List<StrategyProvider> BUILT_IN =
      List.of(
          new BuiltIn(
              "fedavg", "federated averaging (McMahan et al. 2017)", (base, options) -> base),
          new BuiltIn(
              "fedavgm",
              "server momentum (Hsu et al. 2019): eta=1, beta=0.9",
              (base, options) ->
                  base.optimizer(
                      ServerOptimizer.momentum(
                          options.number("eta", 1), options.number("beta", 0.9)))),
          new BuiltIn(
              "fedprox",
              "a proximal term in the clients' loss (Li et al. 2020): mu=0.01",
              (base, options) -> base.proximal(options.number("mu", 0.01))),
          new BuiltIn(
              "scaffold",
              "SCAFFOLD control variates (Karimireddy et al. 2020): eta=1",
              (base, options) -> base.scaffold(options.number("eta", 1))),
          new BuiltIn(
              "fedbuff",
              "buffered asynchronous (Nguyen et al. 2022): concurrency=10, buffer=5, eta=1",
              (base, options) ->
                  base.buffered(
                      options.integer("concurrency", 10),
                      options.integer("buffer", 5),
                      options.number("eta", 1))));

  private final TreeMap<String, StrategyProvider> providers = new TreeMap<>();

  private Strategies() {}

  /**
   * Returns EdgeFIT's own, and those that a class loader finds.
   *
   * @param loader the loader of the application or of its plug-ins
   */
  public static Strategies found(ClassLoader loader) {
    Strategies found = new Strategies();
    BUILT_IN.forEach(provider -> found.providers.put(provider.name(), provider));
    for (StrategyProvider provider : ServiceLoader.load(StrategyProvider.class, loader)) {
      found.providers.put(provider.name(), provider);
    }
    return found;
  }

  /** Returns the providers, by name. */
  public Collection<StrategyProvider> providers() {
    return providers.values();
  }

  /**
   * Returns a strategy.
   *
   * @param text its name, and options after a colon: {@code fedavgm:eta=0.5,beta=0.9}
   * @param base federated averaging, for the parts that it does not replace
   * @throws IllegalArgumentException if there is none of this name, or an option is not its own
   */
  public Strategy create(String text, FedAvg base) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    StrategyProvider provider = providers.get(name);
    if (provider == null) {
      throw new IllegalArgumentException(
          "strategy: " + name + " (expected: one of " + providers.keySet() + ")");
    }
    StrategyOptions options =
        new StrategyOptions(colon < 0 ? Map.of() : options(text.substring(colon + 1)));
    Strategy strategy = provider.create(base, options);
    options.requireAllTaken(provider);
    return strategy;
  }

  private static Map<String, String> options(String text) {
    Map<String, String> options = new TreeMap<>();
    for (String option : text.split(",", -1)) {
      int equals = option.indexOf('=');
      if (equals < 1
          || options.put(option.substring(0, equals), option.substring(equals + 1)) != null) {
        throw new IllegalArgumentException(
            "strategy option: " + option + " (expected: NAME=VALUE, each name once)");
      }
    }
    return options;
  }
}
