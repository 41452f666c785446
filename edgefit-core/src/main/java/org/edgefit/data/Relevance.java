package org.edgefit.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The relevance of each record of a data set to a lexicon: Okapi BM25 (Robertson and Zaragoza 2009)
 * with the lexicon as the query, over instruction, context and response. A term of several words
 * counts where they follow one another; plurals count as their singular.
 *
 * @param lexicon the terms
 * @param k1 BM25's term-frequency saturation, >= 0
 * @param b BM25's length normalisation, from 0 to 1
 */
public record Relevance(Lexicon lexicon, double k1, double b) {

  /** Checks the parameters. */
  public Relevance {
    if (!(k1 >= 0) || !(b >= 0 && b <= 1)) {
      throw new IllegalArgumentException(
          "k1, b: " + k1 + ", " + b + " (expected: >= 0, and from 0 to 1)");
    }
  }

  /** Returns relevance with the usual parameters, k1 1.2 and b 0.75. */
  public static Relevance to(Lexicon lexicon) {
    return new Relevance(lexicon, 1.2, 0.75);
  }

  /** Returns a score for each record, >= 0; 0 for one that has none of the terms. */
  public double[] scores(InstructionDataset data) {
    Map<String, List<List<String>>> byFirst = new HashMap<>();
    for (List<String> term : distinctTerms()) {
      byFirst.computeIfAbsent(term.get(0), first -> new ArrayList<>()).add(term);
    }
    List<Map<List<String>, Integer>> counts = new ArrayList<>();
    Map<List<String>, Integer> records = new HashMap<>();
    int[] lengths = new int[data.size()];
    double meanLength = 0;
    for (int i = 0; i < lengths.length; i++) {
      InstructionRecord record = data.records().get(i);
      List<String> words = Words.singular(record.question() + "\n" + record.response());
      Map<List<String>, Integer> found = count(words, byFirst);
      found.keySet().forEach(term -> records.merge(term, 1, Integer::sum));
      counts.add(found);
      lengths[i] = words.size();
      meanLength += words.size() / (double) lengths.length;
    }
    double[] scores = new double[lengths.length];
    for (int i = 0; i < scores.length; i++) {
      double norm = k1 * (1 - b + b * lengths[i] / meanLength);
      for (Map.Entry<List<String>, Integer> found : counts.get(i).entrySet()) {
        int with = records.getOrDefault(found.getKey(), 0);
        double rarity = Math.log(1 + (scores.length - with + 0.5) / (with + 0.5));
        scores[i] += rarity * found.getValue() * (k1 + 1) / (found.getValue() + norm);
      }
    }
    return scores;
  }

  private Set<List<String>> distinctTerms() {
    Set<List<String>> distinct = new HashSet<>();
    lexicon.terms().forEach(term -> distinct.add(Words.singular(term)));
    return distinct;
  }

  /** Counts the terms in words; the map's order is that of their first place. */
  private static Map<List<String>, Integer> count(
      List<String> words, Map<String, List<List<String>>> byFirst) {
    Map<List<String>, Integer> found = new LinkedHashMap<>();
    for (int i = 0; i < words.size(); i++) {
      for (List<String> term : byFirst.getOrDefault(words.get(i), List.of())) {
        int end = i + term.size();
        if (end <= words.size() && words.subList(i, end).equals(term)) {
          found.merge(term, 1, Integer::sum);
        }
      }
    }
    return found;
  }
}
