package org.edgefit.client.qlora;

import java.util.List;

/**
 * Options for text generation.
 *
 * @param maxTokens the most tokens of an answer, >= 1
 * @param temperature the sampling temperature; 0 for greedy decoding
 * @param topK sample from this many most likely tokens; 0 for all
 * @param topP sample from the fewest most likely tokens with this cumulative probability (Holtzman
 *     et al. 2020), in (0, 1]
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens already in the
 *     text (Keskar et al. 2019); 1 for none
 * @param stops strings at which an answer ends; they are not part of it
 * @param seed the sampling seed; each prompt of a list has its own stream
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

  /** Returns options for greedy decoding. */
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(maxTokens, 0, 0, 1, 1, List.of(), 0);
  }

  /** Returns these options with sampling. */
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
