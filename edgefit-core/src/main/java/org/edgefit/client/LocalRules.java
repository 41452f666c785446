package org.edgefit.client;

import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** A client's registered local rules, by name. */
public final class LocalRules {

  private static final LocalRule PLAIN =
      new LocalRule() {
        @Override
        public String name() {
          return "";
        }

        @Override
        public LocalTraining begin(FitInstruction instruction) {
          return (tensor, weights, gradient) -> {};
        }
      };

  private final Map<String, LocalRule> rules;

  private LocalRules(Map<String, LocalRule> rules) {
    this.rules = rules;
  }

  /** Returns FedProx, SCAFFOLD, and the rules that {@link ServiceLoader} finds beside EdgeFIT. */
  public static LocalRules found() {
    return found(LocalRules.class.getClassLoader());
  }

  /**
   * Returns FedProx, SCAFFOLD, and the rules that a class loader finds.
   *
   * @param loader the loader of the application or of its plug-ins
   */
  public static LocalRules found(ClassLoader loader) {
    LocalRules all = new LocalRules(new TreeMap<>(Map.of("", PLAIN)));
    all = all.with(new FedProxRule()).with(new ScaffoldRule());
    for (LocalRule rule : ServiceLoader.load(LocalRule.class, loader)) {
      all = all.with(rule);
    }
    return all;
  }

  /** Returns these rules with one added, or replaced by name. */
  public LocalRules with(LocalRule rule) {
    TreeMap<String, LocalRule> more = new TreeMap<>(rules);
    more.put(rule.name(), rule);
    return new LocalRules(more);
  }

  /**
   * Returns the rule that a training follows.
   *
   * @throws IllegalArgumentException if there is none of its name
   */
  public LocalRule of(Training training) {
    LocalRule rule = rules.get(training.rule());
    if (rule == null) {
      TreeMap<String, LocalRule> named = new TreeMap<>(rules);
      named.remove("");
      throw new IllegalArgumentException(
          "local rule: "
              + ClientText.shown(training.rule(), 64)
              + " (expected: one of "
              + named.keySet()
              + ", which this client knows)");
    }
    return rule;
  }
}
