package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.Evaluator;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.metrics.ConfusionMatrix;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures a model on held-out records. */
@Command(
    name = "evaluate",
    description = {
      "Evaluates a model on records: the loss of their responses and, for labelled ones, accuracy,"
          + " precision, recall and F1.",
      "",
      "A record's class is the label with the highest likelihood, or the label that begins the"
          + " model's output (--scoring)."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE.jsonl",
      description = "records to evaluate on")
  private Path data = Path.of("");

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description = "the classes (default: those of the data)")
  private List<String> labels = List.of();

  @Option(
      names = "--after-label",
      paramLabel = "TEXT",
      description =
          "delimiter scored with a label: end for the end of the response, or the text that follows"
              + " it in the responses; auto infers it (default: ${DEFAULT-VALUE})")
  private String afterLabel = RunSettings.defaults().afterLabel();

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description = "max tokens of a record (default: ${DEFAULT-VALUE})")
  private int maxLength = RunSettings.defaults().maxLength();

  @Option(
      names = "--scoring",
      description =
          "class prediction: ${COMPLETION-CANDIDATES}: the label's summed or mean log-probability,"
              + " or the generated text (default: likelihood)")
  private Scoring scoring = Scoring.LIKELIHOOD;

  @Mixin private InferenceOptions inference = new InferenceOptions();

  @Mixin private DataOptions dataOptions = new DataOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Override
  public Integer call() throws IOException {
    InstructionDataset records = dataOptions.read(data);
    RunSettings settings = inference.settings().withMaxLength(maxLength).withAfterLabel(afterLabel);
    machine.apply();
    ModelConfig.read(model.model()).requireLength(maxLength);
    var adapter = model.readAdapter();
    try (BaseModel base = model.load(inference.quantization(), machine);
        Evaluator evaluator = new Evaluator(base, adapter);
        Progress progress = new Progress("evaluating", 50)) {
      Evaluator.Evaluation evaluation =
          evaluator.evaluate(
              records, labels, scoring, settings, (done, all) -> progress.show(done, all, ""));
      print(evaluation);
      if (!inference.json()) {
        System.out.println("the base model is " + inference.quantization() + " (--quantization)");
      }
    }
    return 0;
  }

  private void print(Evaluator.Evaluation evaluation) {
    ConfusionMatrix confusion = evaluation.confusion();
    if (inference.json()) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("records", evaluation.records());
      result.put("dropped", evaluation.dropped());
      result.putAll(evaluation.metrics());
      if (confusion != null) {
        Map<String, Object> classes = new LinkedHashMap<>();
        for (String label : confusion.labels()) {
          classes.put(
              label,
              Map.of(
                  "precision", confusion.precision(label),
                  "recall", confusion.recall(label),
                  "f1", confusion.f1(label)));
        }
        result.put("classes", classes);
        result.put("afterLabel", evaluation.labels().ending());
        result.put("invalid", confusion.invalid());
      }
      System.out.println(Json.line(result));
      return;
    }
    Map<String, Double> metrics = evaluation.metrics();
    System.out.printf(
        Locale.ROOT,
        "%d records, %d dropped%nloss %.4f, perplexity %.3f%n",
        evaluation.records(),
        evaluation.dropped(),
        metrics.get("loss"),
        metrics.get("perplexity"));
    if (confusion != null) {
      System.out.print(confusion.report());
      System.out.println("delimiter scored with a label: " + evaluation.labels().ending());
      if (confusion.labels().size() == 1) {
        System.out.println(
            "one class only, " + confusion.labels() + ": the metrics are meaningless");
      }
      if (confusion.invalid() > 0) {
        System.out.printf(
            Locale.ROOT,
            "%d of %d answers are none of the classes%n",
            confusion.invalid(),
            confusion.total());
      }
    }
  }
}
