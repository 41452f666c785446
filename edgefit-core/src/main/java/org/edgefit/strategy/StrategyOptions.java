package org.edgefit.strategy;

import java.util.Map;
import java.util.TreeMap;

/** The options of a strategy given by name. Each is read once. */
public final class StrategyOptions {

  private final TreeMap<String, String> left;

  StrategyOptions(Map<String, String> options) {
    this.left = new TreeMap<>(options);
  }

  /**
   * Takes a number.
   *
   * @throws IllegalArgumentException if it is no number
   */
  public double number(String name, double otherwise) {
    String text = left.remove(name);
    try {
      return text == null ? otherwise : Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + ": " + text + " (expected: a number)", e);
    }
  }

  /**
   * Takes an integer.
   *
   * @throws IllegalArgumentException if it is no whole number
   */
  public int integer(String name, int otherwise) {
    String text = left.remove(name);
    try {
      return text == null ? otherwise : Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + ": " + text + " (expected: an integer)", e);
    }
  }

  /** Takes a text. */
  public String text(String name, String otherwise) {
    String text = left.remove(name);
    return text == null ? otherwise : text;
  }

  /** Refuses options that were not taken. */
  void requireAllTaken(StrategyProvider provider) {
    if (!left.isEmpty()) {
      throw new IllegalArgumentException(
          "option: "
              + left.firstKey()
              + " (expected: one of "
              + provider.name()
              + "'s: "
              + provider.description()
              + ")");
    }
  }
}
