package org.edgefit.data;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Chooses records of a data set. */
@FunctionalInterface
public interface Selection {

  /** Returns the records to keep. */
  InstructionDataset select(InstructionDataset data);

  /** Leaves out the records of some categories. */
  static Selection withoutCategories(Set<String> categories) {
    Set<String> excluded = Set.copyOf(categories);
    return data ->
        data.filter(record -> record.category() == null || !excluded.contains(record.category()));
  }

  /**
   * Keeps the records with the highest relevance, in descending order; ties in data order. Records
   * without any of the lexicon's terms are dropped.
   *
   * @param most how many are taken, at most
   */
  static Selection mostRelevant(Relevance relevance, int most) {
    if (most < 1) {
      throw new IllegalArgumentException("most: " + most + " (expected: >= 1)");
    }
    return data -> {
      double[] scores = relevance.scores(data);
      return new InstructionDataset(
          IntStream.range(0, scores.length)
              .boxed()
              .filter(i -> scores[i] > 0)
              .sorted(Comparator.comparingDouble(i -> -scores[i]))
              .limit(most)
              .map(data.records()::get)
              .toList());
    };
  }

  /** Leaves out records whose question, in lower-case words alone, is that of an earlier one. */
  static Selection withoutDuplicates() {
    return data -> {
      Set<List<String>> seen = new HashSet<>();
      return data.filter(record -> seen.add(Words.of(record.question())));
    };
  }

  /** Leaves out records whose question, in lower-case words alone, another data set has too. */
  static Selection without(InstructionDataset other) {
    Set<List<String>> questions = new HashSet<>();
    other.records().forEach(record -> questions.add(Words.of(record.question())));
    return data -> data.filter(record -> !questions.contains(Words.of(record.question())));
  }

  /** Leaves out records whose question and response have more characters than this together. */
  static Selection shorterThan(int characters) {
    return data ->
        data.filter(record -> record.question().length() + record.response().length() < characters);
  }
}
