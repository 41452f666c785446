package org.edgefit.client.qlora;

import java.util.List;

/**
 * How an answer is made, token by token.
 *
 * @param maxTokens the most tokens of an answer, >= 1
 * @param temperature what the logits are divided by before a token is drawn; 0 takes the likeliest
 * @param topK draw among so many of the likeliest tokens; 0 for all
 * @param topP draw among the fewest of the likeliest tokens whose probabilities reach this sum
 *     (Holtzman et al. 2020), in (0, 1]
 * @param repetitionPenalty divides the positive logits of tokens that the text has already, and
 *     multiplies the negative ones (Keskar et al. 2019); 1 for none
 * @param stops strings at which an answer ends; they are not part of it
 * @param seed the draws; each instruction of a list has a stream of its own
 */
public record GenerationOptions(
    int maxTokens,
    double temperature,
    int topK,
    double topP,
    double repetitionPenalty,
    List<String> stops,
    long seed) {

  /** Checks the ranges. */
  public GenerationOptions {
    require(maxTokens >= 1, "maxTokens", maxTokens, ">= 1");
    require(temperature >= 0 && temperature < 1e6, "temperature", temperature, "in [0, 1e6)");
    require(topK >= 0, "topK", topK, ">= 0");
    require(topP > 0 && topP <= 1, "topP", topP, "in (0, 1]");
    require(
        repetitionPenalty > 0 && repetitionPenalty < 1e6,
        "repetitionPenalty",
        repetitionPenalty,
        "in (0, 1e6)");
    require(stops.stream().noneMatch(String::isEmpty), "stops", stops, "no empty string");
    stops = List.copyOf(stops);
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /** Returns options that take the likeliest token each time. */
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(maxTokens, 0, 0, 1, 1, List.of(), 0);
  }

  /** Returns these options with draws at a temperature. */
  public GenerationOptions sampled(double newTemperature, int newTopK, double newTopP) {
    return new GenerationOptions(
        maxTokens, newTemperature, newTopK, newTopP, repetitionPenalty, stops, seed);
  }

  /** Returns these options with another repetition penalty. */
  public GenerationOptions withRepetitionPenalty(double penalty) {
    return new GenerationOptions(maxTokens, temperature, topK, topP, penalty, stops, seed);
  }

  /** Returns these options with other stop strings. */
  public GenerationOptions withStops(List<String> newStops) {
    return new GenerationOptions(
        maxTokens, temperature, topK, topP, repetitionPenalty, newStops, seed);
  }

  /** Returns these options with another seed. */
  public GenerationOptions withSeed(long newSeed) {
    return new GenerationOptions(
        maxTokens, temperature, topK, topP, repetitionPenalty, stops, newSeed);
  }
}
