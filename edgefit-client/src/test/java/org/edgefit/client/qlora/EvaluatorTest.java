package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.PromptTemplate;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

class EvaluatorTest {

  private static final Path MODEL =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");

  private static final RunSettings SETTINGS =
      RunSettings.defaults().withTemplate("llama2").withMaxLength(64);

  private static final List<String> LABELS = List.of("Normal", "Anomaly", "Normal operation");

  private static final InstructionRecord RECORD =
      new InstructionRecord("The fan is on.", null, "Normal.", null, "Normal");

  /**
   * The log-likelihood of a label's tokens, and its full stop's, after the prompt, by a pass for
   * each label.
   */
  private static double[] slow(BaseModel base, Decoder decoder, String label) throws IOException {
    ExampleEncoder encoder =
        new ExampleEncoder(base.tokenizer(), PromptTemplate.llama2(), 64, true);
    var texts = encoder.encode(RECORD, List.of(encoder.openAnswer(RECORD, label + ".")));
    double sum = 0;
    try (Decoder.Pass pass = decoder.infer(Batch.packed(texts))) {
      for (float likelihood : pass.logLikelihoods()) {
        sum += likelihood;
      }
    }
    return new double[] {sum, sum / texts.get(0).labelTokens()};
  }

  @Test
  void classIsTheLabelOfHighestLikelihood() throws IOException {
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4);
        Decoder decoder = Decoder.of(base, null);
        Evaluator evaluator = new Evaluator(base, null)) {
      InstructionDataset data = new InstructionDataset(List.of(RECORD));
      Scoring[] scorings = {Scoring.LIKELIHOOD, Scoring.LIKELIHOOD_PER_TOKEN};
      for (int s = 0; s < 2; s++) {
        String best = LABELS.get(0);
        for (String label : LABELS) {
          if (slow(base, decoder, label)[s] > slow(base, decoder, best)[s]) {
            best = label;
          }
        }
        Evaluator.Evaluation evaluation =
            evaluator.evaluate(data, LABELS, scorings[s], SETTINGS, (done, all) -> {});
        assertThat(evaluation.predictions().get(0).predicted())
            .as("%s", scorings[s])
            .isEqualTo(best);
        assertThat(evaluation.metrics().get("accuracy"))
            .isCloseTo(best.equals("Normal") ? 1 : 0, within(0.0));
      }
    }
  }

  @Test
  void generatedAnswersAreReadByTheirBeginning() throws IOException {
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4);
        TextGenerator generator = new TextGenerator(base, null);
        Evaluator evaluator = new Evaluator(base, null)) {
      String answer = generator.answer(RECORD.question(), GenerationOptions.greedy(16), SETTINGS);
      String word = answer.split("\\W+", 2)[0];
      InstructionRecord known = new InstructionRecord(RECORD.instruction(), null, word, null, word);
      InstructionRecord other =
          new InstructionRecord(RECORD.instruction(), null, "Anomaly", null, "Anomaly");
      var evaluation =
          evaluator.evaluate(
              new InstructionDataset(List.of(known, other)),
              List.of("Anomaly", word),
              Scoring.GENERATION,
              SETTINGS,
              (done, all) -> {});
      assertThat(evaluation.predictions()).allMatch(one -> word.equals(one.predicted()));
      var none =
          evaluator.evaluate(
              new InstructionDataset(List.of(other)),
              List.of("Anomaly"),
              Scoring.GENERATION,
              SETTINGS,
              (done, all) -> {});
      assertThat(none.predictions().get(0).predicted()).isNull();
      assertThat(none.metrics().get("accuracy")).isZero();
    }
  }

  @Test
  void labelThatBeginsWithAnotherIsToldByItsEnd() throws IOException {
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4)) {
      List<InstructionRecord> records = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        String label = i % 2 == 0 ? "light" : "light update";
        String question = (i % 2 == 0 ? "Turn on lamp " : "Is there news of lamp ") + i;
        records.add(new InstructionRecord(question, null, label, null, label));
      }
      InstructionDataset data = new InstructionDataset(records);
      List<Example> examples =
          new ExampleEncoder(base.tokenizer(), PromptTemplate.llama2(), 64, true)
              .encode(data)
              .examples();
      Adapter start = Adapter.initial(LoraConfig.attention(8), base.linearLayers(), new Seed(1));
      Training training =
          Training.defaults().toBuilder().epochs(30).learningRate(5e-3).batchSize(6).build();
      Adapter learned;
      try {
        learned =
            new QloraTrainer(base, (step, of, loss) -> {}, ComputeOptions.defaults())
                .train(examples, start, training, 1, 1, new Seed(2))
                .adapter();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      try (Evaluator evaluator = new Evaluator(base, learned)) {
        var evaluation = evaluator.evaluate(data, List.of(), SETTINGS, (done, all) -> {});
        assertThat(evaluation.metrics().get("accuracy")).isEqualTo(1);
        assertThat(evaluation.labels().ending()).isEqualTo("the end");
      }
    }
  }

  @Test
  void completionsTakeTextsAsTheyAre() throws IOException {
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4);
        TextGenerator generator = new TextGenerator(base, null)) {
      GenerationOptions options = GenerationOptions.greedy(12);
      String prompt = " [INST] Turn on the garage fan. [/INST]";
      String asked = generator.answer("Turn on the garage fan.", options, SETTINGS);
      // The template's text, written out.
      String completed =
          generator.completions(List.of(prompt.strip()), options, (done, of) -> {}).get(0);
      assertThat(completed).isEqualTo(asked);
    }
  }
}
