package org.edgefit.data.selfinstruct;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Words;
import org.jspecify.annotations.Nullable;

/**
 * What a task must be like to join the pool (Wang et al. 2023, section 3.1): of reasonable length,
 * feasible for a text model, well formed, and unlike every task in the pool.
 */
final class CandidateFilter {

  /** Why a candidate was dropped, in the order of the checks. */
  static final List<String> REASONS =
      List.of(
          "no task or answer",
          "length",
          "keyword",
          "label",
          "JSON",
          "held out",
          "duplicate",
          "ROUGE-L");

  /** Words of tasks that a text model cannot do. */
  private static final Set<String> UNSUITABLE =
      Set.of(
          "image",
          "images",
          "picture",
          "pictures",
          "photo",
          "photos",
          "graph",
          "graphs",
          "draw",
          "plot",
          "map",
          "maps",
          "file",
          "files",
          "website",
          "link",
          "http",
          "www",
          "flowchart",
          "diagram",
          "instruction",
          "task",
          "answer");

  private static final int LEAST_TASK_WORDS = 3;
  private static final int MOST_TASK_WORDS = 60;
  private static final int MOST_ANSWER_WORDS = 100;

  private final double mostAlike;
  private final Set<List<String>> heldOut = new HashSet<>();
  private final Set<List<String>> known = new HashSet<>();
  private final List<List<String>> pool = new ArrayList<>();

  /**
   * Makes a filter.
   *
   * @param mostAlike the ROUGE-L that a task must not reach with any of the pool
   * @param heldOut records whose questions no task may have
   */
  CandidateFilter(double mostAlike, InstructionDataset heldOut) {
    this.mostAlike = mostAlike;
    for (InstructionRecord record : heldOut.records()) {
      this.heldOut.add(Words.of(record.question()));
    }
  }

  /** Puts a task into the pool, whatever it is like. */
  void add(Task task) {
    List<String> words = Words.of(task.task());
    known.add(words);
    pool.add(words);
  }

  /** Returns why a task is dropped, one of {@link #REASONS}; or null, and it is in the pool. */
  @Nullable String check(Task candidate) {
    List<String> words = Words.of(candidate.task());
    int answerWords = Words.of(candidate.answer()).size();
    if (words.isEmpty() || (answerWords == 0 && !candidate.kind().isClassAlone())) {
      return "no task or answer";
    }
    if (words.size() < LEAST_TASK_WORDS
        || words.size() > MOST_TASK_WORDS
        || answerWords > MOST_ANSWER_WORDS) {
      return "length";
    }
    if (words.stream().anyMatch(UNSUITABLE::contains)
        || !Character.isLetter(candidate.task().codePointAt(0))
        || !candidate.task().chars().allMatch(c -> c < 128)) {
      return "keyword";
    }
    String fault = candidate.kind().fault(candidate.answer(), candidate.label());
    if (fault != null) {
      return fault;
    }
    if (heldOut.contains(Words.of(candidate.toRecord().question()))) {
      return "held out";
    }
    if (known.contains(words)) {
      return "duplicate";
    }
    if (pool.stream().anyMatch(other -> RougeL.reaches(mostAlike, words, other))) {
      return "ROUGE-L";
    }
    add(candidate);
    return null;
  }
}
