package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RelevanceTest {

  private static InstructionDataset data(String... questions) {
    return new InstructionDataset(
        Arrays.stream(questions)
            .map(question -> new InstructionRecord(question, null, "", null, null))
            .toList());
  }

  /** The formula as it is printed, for terms of one word. */
  private static double bm25(List<List<String>> documents, int document, List<String> terms) {
    double mean = documents.stream().mapToInt(List::size).average().orElseThrow();
    double score = 0;
    for (String term : terms) {
      long with = documents.stream().filter(words -> words.contains(term)).count();
      double idf = Math.log(1 + (documents.size() - with + 0.5) / (with + 0.5));
      int count = Collections.frequency(documents.get(document), term);
      double length = documents.get(document).size() / mean;
      score += idf * count * 2.2 / (count + 1.2 * (1 - 0.75 + 0.75 * length));
    }
    return score;
  }

  @Test
  void scoresAreThoseOfTheFormula() {
    List<List<String>> documents =
        List.of(
            List.of("the", "lamp", "and", "the", "other", "lamp"),
            List.of("a", "poem"),
            List.of("a", "sensor", "near", "a", "lamp"));
    double[] scores =
        Relevance.to(new Lexicon(List.of("lamp", "sensor")))
            .scores(data("The lamp and the other lamp.", "A poem.", "A sensor near a lamp"));
    for (int i = 0; i < 3; i++) {
      assertThat(scores[i]).isCloseTo(bm25(documents, i, List.of("lamp", "sensor")), within(1e-12));
    }
    assertThat(scores[1]).isZero();
  }

  @Test
  void wordsOfATermFollowOneAnother() {
    double[] scores =
        Relevance.to(new Lexicon(List.of("smart home")))
            .scores(data("my smart homes are warm", "a home that is smart"));
    assertThat(scores[0]).isPositive();
    assertThat(scores[1]).isZero();
  }

  @Test
  void theSmartHomeLexiconIsThere() {
    assertThat(Lexicon.smartHome().terms())
        .contains("motion sensor", "thermostat")
        .hasSizeGreaterThan(80);
  }

  @Test
  void termWithoutAWordIsRefused() {
    assertThatThrownBy(() -> new Lexicon(List.of("lamp", "--")))
        .hasMessage("lexicon: \"--\" (expected: a term with a word)");
  }

  @Test
  void selectionsCountWhatTheyKeep() {
    InstructionDataset records =
        new InstructionDataset(
            List.of(
                new InstructionRecord("Write a poem.", null, "...", "creative_writing", null),
                new InstructionRecord("What is a lamp?", null, "A light.", "open_qa", null),
                new InstructionRecord("what is a LAMP", null, "A light!", "open_qa", null),
                new InstructionRecord("What is a king?", null, "A ruler.", "open_qa", null),
                new InstructionRecord("Sensor or lamp?", null, "Sensor.", "open_qa", null)));
    Curation.Result result =
        Curation.none()
            .then("no poems", Selection.withoutCategories(Set.of("creative_writing")))
            .then("none twice", Selection.withoutDuplicates())
            .then(
                "relevant",
                Selection.mostRelevant(Relevance.to(new Lexicon(List.of("lamp", "sensor"))), 5))
            .apply(records);
    assertThat(result.counts())
        .containsExactly(
            new Curation.Count("no poems", 5, 4),
            new Curation.Count("none twice", 4, 3),
            new Curation.Count("relevant", 3, 2));
    assertThat(result.data().records().get(0).question()).isEqualTo("Sensor or lamp?");
    assertThat(result.table()).contains("       3       2  relevant");
  }

  @Test
  void heldOutQuestionsAreLeftOutWhateverTheirCase() {
    InstructionDataset left =
        Selection.without(data("Is it on?")).select(data("is it ON", "is it"));
    assertThat(left.records()).extracting(InstructionRecord::question).containsExactly("is it");
  }
}
