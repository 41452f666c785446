package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TextGeneratorTest {

  private static final Path MODEL =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");
  private static final RunSettings SETTINGS = RunSettings.defaults().withMaxLength(64);
  private static final List<String> PROMPTS =
      List.of("Turn on the lamp.", "Is the door open?", "Set the heating to 20 degrees.");

  private BaseModel base;
  private TextGenerator generator;

  @BeforeAll
  void load() throws IOException {
    base = BaseModel.load(MODEL, Quantization.NF4);
    generator = new TextGenerator(base, null);
  }

  @AfterAll
  void close() {
    generator.close();
    base.close();
  }

  private List<String> answers(List<String> prompts, GenerationOptions options) throws IOException {
    return generator.answers(prompts, options, SETTINGS, (done, of) -> {});
  }

  @Test
  void promptsTogetherAnswerAsTheyDoAlone() throws IOException {
    GenerationOptions greedy = GenerationOptions.greedy(12);
    List<String> alone = new ArrayList<>();
    for (String prompt : PROMPTS) {
      alone.add(generator.answer(prompt, greedy, SETTINGS));
    }
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 7; i++) { // more than are continued at once
      many.addAll(PROMPTS);
    }
    List<String> together = answers(many, greedy);
    for (int i = 0; i < many.size(); i++) {
      assertThat(together.get(i)).isEqualTo(alone.get(i % 3)).isNotEmpty();
    }
  }

  @Test
  void drawsFollowTheSeed() throws IOException {
    GenerationOptions drawn = GenerationOptions.greedy(12).sampled(1.5, 0, 1);
    assertThat(answers(PROMPTS, drawn)).isEqualTo(answers(PROMPTS, drawn));
    assertThat(answers(PROMPTS, drawn.withSeed(1))).isNotEqualTo(answers(PROMPTS, drawn));
    assertThat(answers(PROMPTS, drawn.sampled(1.5, 1, 1)))
        .isEqualTo(answers(PROMPTS, GenerationOptions.greedy(12)));
  }

  @Test
  void answerEndsBeforeAStopString() throws IOException {
    String whole = generator.answer(PROMPTS.get(0), GenerationOptions.greedy(12), SETTINGS);
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
    String cut =
        generator.answer(
            PROMPTS.get(0), GenerationOptions.greedy(12).withStops(List.of(stop)), SETTINGS);
    assertThat(cut).isEqualTo(whole.substring(0, whole.indexOf(stop)).strip());
  }

  @Test
  void penaltyKeepsATokenFromComingAgain() throws IOException {
    GenerationOptions strong = GenerationOptions.greedy(20).withRepetitionPenalty(1e5);
    String answer = generator.answer(PROMPTS.get(0), strong, SETTINGS);
    int[] ids = base.tokenizer().encode(answer).ids();
    assertThat(ids).doesNotHaveDuplicates();
  }

  @Test
  void samplerDrawsByTheProbabilitiesOfTheNucleus() {
    float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.15), -3};
    Map<Integer, Integer> counts = new HashMap<>();
    TokenSampler sampler = new TokenSampler(GenerationOptions.greedy(1).sampled(1, 0, 0.75));
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 20_000; i++) {
      counts.merge(sampler.choose(logits.clone(), Set.of(), random), 1, Integer::sum);
    }
    assertThat(counts.keySet()).containsExactlyInAnyOrder(0, 1); // 0.5 + 0.3 reach 0.75
    assertThat(counts.get(0) / 20_000.0).isBetween(0.61, 0.64); // 0.5 / 0.8
  }

  @Test
  void samplerKeepsTheLikeliestOfTopK() {
    TokenSampler sampler = new TokenSampler(GenerationOptions.greedy(1).sampled(100, 2, 1));
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 200; i++) {
      assertThat(sampler.choose(new float[] {1, 4, 2, 3}, Set.of(), random)).isIn(1, 3);
    }
  }

  @Test
  void penaltyMovesLogitsTowardsUnlikely() {
    TokenSampler sampler = new TokenSampler(GenerationOptions.greedy(1).withRepetitionPenalty(2));
    SplittableRandom random = new SplittableRandom(1);
    assertThat(sampler.choose(new float[] {3, 2, -1}, Set.of(0), random)).isEqualTo(1);
    assertThat(sampler.choose(new float[] {-1, -1.5f, -9}, Set.of(0), random)).isEqualTo(1);
  }

  @Test
  void badOptionIsNamed() {
    assertThatThrownBy(() -> GenerationOptions.greedy(0))
        .hasMessage("maxTokens: 0 (expected: >= 1)");
    assertThatThrownBy(() -> GenerationOptions.greedy(1).sampled(1, 0, 0))
        .hasMessageStartingWith("topP: 0.0");
  }
}
