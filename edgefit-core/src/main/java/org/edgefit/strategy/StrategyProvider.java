package org.edgefit.strategy;

/**
 * A strategy that is selected by name, as {@code edgefit-server serve --strategy
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
   * @param base federated averaging, configured by the other command-line options
   * @param options the options by name; {@link StrategyOptions} rejects those that were not read
   */
  Strategy create(FedAvg base, StrategyOptions options);
}
