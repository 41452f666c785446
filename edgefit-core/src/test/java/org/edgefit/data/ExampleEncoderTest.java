package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExampleEncoderTest {

  private static InstructionRecord record(String question, String answer) {
    return new InstructionRecord(question, null, answer, null, null);
  }

  /** One token per character: the id is the character. */
  private static final class Characters implements Tokenizer {
    private int texts;

    @Override
    public Tokens encode(String text) {
      texts++;
      int[] ids = text.codePoints().toArray();
      return new Tokens(ids, IntStream.rangeClosed(1, ids.length).toArray());
    }

    @Override
    public String decode(int[] ids) {
      return new String(ids, 0, ids.length);
    }

    @Override
    public SpecialTokens specialTokens() {
      return new SpecialTokens("<", ">");
    }
  }

  private final PromptTemplate template =
      (record, tokens) ->
          new Prompt(tokens.bos(), record.question(), "|", record.response() + tokens.eos());

  private String text(Example example) {
    return new Characters().decode(example.ids());
  }

  private ExampleEncoder encoder(int maxLength) {
    return new ExampleEncoder(new Characters(), template, maxLength, true);
  }

  @Test
  void labelsAreTheAnswerAlone() {
    Example example =
        encoder(20)
            .encode(new InstructionDataset(List.of(record("qu😀st", "an"))))
            .examples()
            .get(0);
    assertThat(text(example)).isEqualTo("<qu😀st|an>");
    assertThat(example.labelStart()).isEqualTo(7);
    assertThat(example.labelTokens()).isEqualTo(3);
  }

  @Test
  void dataSetIsTokenisedOnce() {
    Characters tokenizer = new Characters();
    ExampleEncoder encoder = new ExampleEncoder(tokenizer, template, 20, true);
    InstructionDataset data = new InstructionDataset(List.of(record("a", "b"), record("c", "d")));
    ExampleEncoder.Encoded first = encoder.encode(data);
    assertThat(tokenizer.texts).isEqualTo(2);
    assertThat(encoder.encode(data)).isSameAs(first);
    assertThat(tokenizer.texts).isEqualTo(2);
    InstructionDataset other = new InstructionDataset(List.of(record("a", "e")));
    assertThat(text(encoder.encode(other).examples().get(0))).isEqualTo("<a|e>");
    assertThat(tokenizer.texts).isEqualTo(3);
  }

  @Test
  void everyTokenIsLearnedOnRequest() {
    Example example =
        new ExampleEncoder(new Characters(), template, 20, false)
            .encode(new InstructionDataset(List.of(record("q", "a"))))
            .examples()
            .get(0);
    assertThat(example.labelStart()).isEqualTo(1);
  }

  @Test
  void longPromptIsCutAndTheAnswerKept() {
    ExampleEncoder.Encoded encoded =
        encoder(8).encode(new InstructionDataset(List.of(record("question", "ans"))));
    assertThat(text(encoded.examples().get(0))).isEqualTo("<qu|ans>");
    assertThat(encoded.examples().get(0).labelTokens()).isEqualTo(4);
    assertThat(encoded.cut()).isEqualTo(1);
    assertThat(encoded.dropped()).isZero();
  }

  @Test
  void recordThatCannotFitIsCountedAndDropped() {
    ExampleEncoder.Encoded encoded =
        encoder(8)
            .encode(
                new InstructionDataset(
                    List.of(record("q", "a long answer"), record("q", "123456"))));
    assertThat(encoded.examples()).isEmpty();
    assertThat(encoded.dropped()).isEqualTo(2);
  }

  @Test
  void recordWithoutALabelTokenIsCountedAndDropped() {
    PromptTemplate silent = (record, tokens) -> new Prompt("", record.question(), "", "");
    ExampleEncoder.Encoded encoded =
        new ExampleEncoder(new Characters(), silent, 8, true)
            .encode(new InstructionDataset(List.of(record("question", ""))));
    assertThat(encoded.examples()).isEmpty();
    assertThat(encoded.dropped()).isEqualTo(1);
  }

  @Test
  void openAnswerStopsBeforeTheEndOfTheTurn() {
    assertThat(
            new ExampleEncoder(new Characters(), PromptTemplate.llama2(), 100, true)
                .openAnswer(record("q", "x"), "Normal"))
        .isEqualTo(" Normal");
  }
}
