package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataTest {

  private static final SpecialTokens LLAMA_TOKENS = new SpecialTokens("<s>", "</s>");

  private static InstructionRecord record(String question, String answer) {
    return new InstructionRecord(question, null, answer, null, null);
  }

  @Nested
  class Jsonl {
    @TempDir Path temp;

    @Test
    void recordsComeBackAsTheyWere() throws IOException {
      InstructionDataset data =
          new InstructionDataset(
              List.of(
                  new InstructionRecord("a \"q\"\n", "ctx", "r", "open_qa", "Normal"),
                  new InstructionRecord("é€😀", null, "", null, null)));
      data.write(temp.resolve("d.jsonl"));
      assertThat(InstructionDataset.jsonl(temp.resolve("d.jsonl"))).isEqualTo(data);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        quoteCharacter = '`',
        value = {
          "{'instruction':'a'} | line 2: response: missing",
          "{'instruction':3,'response':'a'} | line 2: instruction: 3",
          "{'instruction':' ','response':'a'} | line 2: instruction: empty",
          "['a'] | line 2: ARRAY",
          "{'instruction': | line 2",
        })
    void badLineIsNamed(String line, String error) throws IOException {
      Path file = temp.resolve("bad.jsonl");
      Files.writeString(
          file, "{\"instruction\":\"a\",\"response\":\"b\"}\n" + line.replace('\'', '"') + "\n");
      assertThatThrownBy(() -> InstructionDataset.jsonl(file))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("bad.jsonl")
          .hasMessageContaining(error);
    }

    @Test
    void missingFileIsNamed() {
      assertThatThrownBy(() -> InstructionDataset.jsonl(temp.resolve("none.jsonl")))
          .hasMessageContaining("none.jsonl: no such file");
    }
  }

  @Nested
  class Templates {
    private final InstructionRecord record =
        new InstructionRecord("Turn it on.", "The lamp.", "Done.", null, null);

    @Test
    void llama2() {
      assertThat(PromptTemplate.llama2().apply(record, LLAMA_TOKENS).text())
          .isEqualTo("<s>[INST] Turn it on.\nThe lamp. [/INST] Done. </s>");
    }

    @Test
    void phi3() {
      assertThat(PromptTemplate.phi3().apply(record, LLAMA_TOKENS).text())
          .isEqualTo("<|user|>\nTurn it on.\nThe lamp.<|end|>\n<|assistant|>\nDone.<|end|>");
    }

    @Test
    void chatMl() {
      assertThat(PromptTemplate.chatMl("Be brief.").apply(record, LLAMA_TOKENS).text())
          .isEqualTo(
              "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nTurn it on.\nThe"
                  + " lamp.<|im_end|>\n<|im_start|>assistant\nDone.<|im_end|>");
    }

    @Test
    void alpaca() {
      assertThat(PromptTemplate.alpaca().apply(record, LLAMA_TOKENS).text())
          .startsWith("<s>Below is an instruction that describes a task, paired with an input")
          .endsWith(
              "### Instruction:\nTurn it on.\n\n### Input:\nThe lamp.\n\n### Response:\nDone.</s>");
      assertThat(PromptTemplate.alpaca().apply(record("Go.", "Ok."), LLAMA_TOKENS).text())
          .doesNotContain("### Input");
    }

    private static String found(String chatTemplate) {
      return PromptTemplate.fromChatTemplate(chatTemplate)
          .apply(record("q", "a"), LLAMA_TOKENS)
          .text();
    }

    @Test
    void templateIsFoundFromTheModels() {
      String prompt = "{{ bos_token + '[INST] ' + content | trim + ' [/INST]' }}";
      assertThat(found(prompt + "{{ ' ' + c + eos_token }}"))
          .isEqualTo("<s>[INST] q [/INST] a</s>");
      assertThat(found(prompt + "{{ ' ' + c.strip() + ' ' + eos_token }}"))
          .isEqualTo("<s>[INST] q [/INST] a </s>");
      String phi3 = "{{'<|user|>\\n' + c + '<|end|>\\n'}}{{'<|assistant|>' + '\\n' + c}}";
      assertThat(found(phi3)).isEqualTo("<|user|>\nq<|end|>\n<|assistant|>\na<|end|>");
      assertThat(found("{{ bos_token }}" + phi3)).startsWith("<s><|user|>\n");
      assertThat(found("{{'<|im_start|>' + role}}"))
          .isEqualTo("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>");
    }

    @Test
    void systemMessageOfTheModelsTemplateIsKept() {
      String chatTemplate = "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}<|im_start|>user";
      assertThat(
              PromptTemplate.fromChatTemplate(chatTemplate)
                  .apply(record("q", "a"), LLAMA_TOKENS)
                  .opening())
          .isEqualTo("<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "{{ '<start_of_turn>' }}",
          "{{'<|user|>' + c + '<|end|>' + '<|assistant|>' + c}}",
          "[INST]{{ content }}[/INST]{{ c + eos }}"
        })
    void unknownTemplateAsksForAName(String chatTemplate) {
      assertThatThrownBy(() -> PromptTemplate.fromChatTemplate(chatTemplate))
          .hasMessageContaining("name a template")
          .hasMessageContaining("chatml");
    }

    @Test
    void unknownNameIsRefused() {
      assertThatThrownBy(() -> PromptTemplate.named("vicuna"))
          .hasMessageContaining("template: vicuna")
          .hasMessageContaining("alpaca");
    }
  }

  /** One token per character: the id is the character. */
  private static final class Characters implements Tokenizer {
    @Override
    public Tokens encode(String text) {
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

  @Nested
  class Encoding {
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

  @Nested
  class Partitioning {
    private InstructionDataset data(int n) {
      List<InstructionRecord> records = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        records.add(new InstructionRecord("q" + i, null, "r", "kind " + i % 4, null));
      }
      return new InstructionDataset(records);
    }

    private void assertEveryRecordOnce(InstructionDataset data, Partition partition) {
      List<InstructionRecord> all = new ArrayList<>();
      partition.parts().forEach(part -> all.addAll(part.records()));
      assertThat(all).containsExactlyInAnyOrderElementsOf(data.records());
      assertThat(partition.parts()).allMatch(part -> part.size() > 0);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {0, 1, 2, 3, 4})
    void everyRecordGoesToOneClientAndNoClientIsEmpty(long seed) {
      InstructionDataset data = data(200);
      for (double alpha : new double[] {1e-3, 0.1, 1, 100}) {
        assertEveryRecordOnce(data, Partitioner.dirichlet(alpha).split(data, 10, new Seed(seed)));
      }
      assertEveryRecordOnce(data, Partitioner.iid().split(data, 10, new Seed(seed)));
    }

    @Test
    void sameSeedGivesTheSameParts() {
      InstructionDataset data = data(100);
      Partitioner partitioner = Partitioner.dirichlet(0.5);
      assertThat(partitioner.split(data, 5, new Seed(1)))
          .isEqualTo(partitioner.split(data, 5, new Seed(1)))
          .isNotEqualTo(partitioner.split(data, 5, new Seed(2)));
    }

    @Test
    void smallAlphaSkewsAndLargeAlphaDoesNot() {
      InstructionDataset data = data(4000);
      assertThat(kinds(Partitioner.dirichlet(0.01).split(data, 10, new Seed(3)))).isLessThan(20);
      Partition even = Partitioner.dirichlet(10_000).split(data, 10, new Seed(3));
      assertThat(even.parts()).allMatch(part -> Math.abs(part.size() - 400) < 40);
    }

    private int kinds(Partition partition) {
      int kinds = 0;
      for (InstructionDataset part : partition.parts()) {
        Set<String> seen = new HashSet<>();
        part.records().forEach(record -> seen.add(String.valueOf(record.category())));
        kinds += seen.size();
      }
      return kinds;
    }

    @Test
    void tableCountsRecordsByKeyAndClient() {
      Partition partition =
          new Partition(List.of(data(5), new InstructionDataset(List.of(record("q", "r")))));
      assertThat(partition.table(InstructionRecord::category))
          .isEqualTo(
              """
              client  (none)  kind 0  kind 1  kind 2  kind 3  total
                   0       0       2       1       1       1      5
                   1       1       0       0       0       0      1
                 all       1       2       1       1       1      6
              """);
    }

    @Test
    void moreClientsThanRecordsAreRefused() {
      assertThatThrownBy(() -> Partitioner.iid().split(data(3), 4, new Seed(0)))
          .hasMessageContaining("clients: 4");
    }
  }
}
