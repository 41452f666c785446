package org.edgefit.strategy;

/**
 * A strategy that can be asked for by name, as {@code edgefit-server serve --strategy
 * NAME:OPTION=VALUE,...} does. Those in jars on the class path are found by {@link
 * java.util.ServiceLoader}; see {@link Strategies}.
 */
public interface StrategyProvider {

  /** Returns the strategy's name, in lower case. */
  String name();

  /** Returns what it is, in one line, with its options. */
  String description();

  /**
   * Returns the strategy.
   *
   * @param base federated averaging, as the other options of the command line shape it
   * @param options the options by name; take them out of {@link StrategyOptions}, which refuses
   *     those that are left
   */
  Strategy create(FedAvg base, StrategyOptions options);
}
