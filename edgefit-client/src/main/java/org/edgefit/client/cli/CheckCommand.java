package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.ModelTokenizer;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.client.qlora.MemoryPlan;
import org.edgefit.client.qlora.QloraTrainer;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.LabelSet;
import org.edgefit.data.Prompt;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.internal.cli.LoraOptions;
import org.edgefit.internal.cli.TrainingOptions;
import org.edgefit.random.Seed;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Loads the inputs of a training run, and summarises them. */
@Command(
    name = "check",
    description = {
      "Loads a model, an adapter and records as training does, and prints a summary: the model, one"
          + " rendered record with the labelled text between ⟦ and ⟧, the labels, the lengths, and"
          + " the memory and time of an epoch. It ends at the first error, or with"
          + " \"ready\"."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CheckCommand implements Callable<Integer> {

  /** The steps that are trained to tell how long one takes; the first warms up. */
  private static final int STEPS = 2;

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(names = "--data", required = true, paramLabel = "FILE", description = "training records")
  private Path data = Path.of("");

  @Mixin private DataOptions dataOptions = new DataOptions();

  @Mixin private LoraOptions lora = new LoraOptions();

  @Mixin private TrainingOptions training = new TrainingOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Training settings = training.toTraining();
    RunSettings run = training.toRunSettings();
    InstructionDataset records = dataOptions.read(data);
    if (records.size() == 0) {
      throw new IOException(data + ": no records (expected: at least one)");
    }
    Adapter given = model.readAdapter();
    machine.apply();
    ModelConfig config = ModelConfig.read(model.model());
    config.requireLength(run.maxLength());
    System.out.printf(
        Locale.ROOT,
        "model: %s, %d layers of width %d, %d tokens%n",
        config.modelType(),
        config.layers(),
        config.hiddenSize(),
        config.vocabularySize());
    try (BaseModel base = model.load(run.quantization(), machine)) {
      System.out.printf(
          Locale.ROOT, "weights: all finite; stored as %s%n", name(base.quantization()));
      show(base.tokenizer(), run, records);
      labels(run, records);
      ExampleEncoder.Encoded encoded = base.encoder(run).encode(records);
      lengths(run, records, encoded);
      if (encoded.examples().isEmpty()) {
        throw new IOException(
            data + ": no record has a response within " + run.maxLength() + " tokens");
      }
      Adapter adapter =
          given != null
              ? given
              : Adapter.initial(lora.toLora(), base.linearLayers(), new Seed(0).split("adapter"));
      System.out.printf(
          Locale.ROOT,
          "adapter: rank %d on %s, %s%n",
          adapter.config().rank(),
          String.join(", ", adapter.config().targets()),
          given == null ? "new" : "read");
      cost(base, adapter, encoded.examples(), settings);
    }
    System.out.println("ready");
    return 0;
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Shows a record's text, and says in which records special tokens are written. */
  private static void show(ModelTokenizer tokenizer, RunSettings run, InstructionDataset records)
      throws IOException {
    Prompt prompt =
        tokenizer
            .template(run.template())
            .apply(records.records().get(0), tokenizer.specialTokens());
    boolean isAll = !run.responseOnly();
    System.out.println("first record, label text between ⟦ and ⟧:");
    System.out.println(
        (isAll ? "⟦" : "") + prompt.promptText() + (isAll ? "" : "⟦") + prompt.answer() + "⟧");
    List<String> special = tokenizer.specialTexts();
    Integer first = null;
    int count = 0;
    for (int i = 0; i < records.size(); i++) {
      InstructionRecord record = records.records().get(i);
      String text = record.question() + "\n" + record.response();
      if (special.stream().anyMatch(text::contains)) {
        first = first == null ? Integer.valueOf(i + 1) : first;
        count++;
      }
    }
    if (first != null) {
      System.out.printf(
          Locale.ROOT,
          "special tokens in the text of %d of %d records, first in record %d: they are parsed as"
              + " such, as in transformers%n",
          count,
          records.size(),
          first);
    }
  }

  private static void labels(RunSettings run, InstructionDataset records) {
    List<InstructionRecord> labelled =
        records.records().stream().filter(record -> record.label() != null).toList();
    if (labelled.isEmpty()) {
      return;
    }
    LabelSet labels = LabelSet.of(run.labels(), records.records(), run.afterLabel());
    Map<String, Integer> counts = new TreeMap<>();
    labelled.forEach(record -> counts.merge(String.valueOf(record.label()), 1, Integer::sum));
    List<String> table = new ArrayList<>();
    counts.forEach((label, count) -> table.add(label + " " + count));
    System.out.printf(
        Locale.ROOT,
        "labels: %s; delimiter scored with a label: %s%s%n",
        String.join(", ", table),
        labels.ending(),
        counts.size() == 1 ? "; one class only: metrics are meaningless" : "");
  }

  private static void lengths(
      RunSettings run, InstructionDataset records, ExampleEncoder.Encoded encoded) {
    int[] lengths = encoded.examples().stream().mapToInt(Example::length).sorted().toArray();
    if (lengths.length == 0) {
      return;
    }
    System.out.printf(
        Locale.ROOT,
        "tokens: median %d, max %d of %d; %d of %d records truncated, %d dropped; %d label"
            + " tokens%n",
        lengths[lengths.length / 2],
        Arrays.stream(lengths).max().orElse(0),
        run.maxLength(),
        encoded.cut(),
        records.size(),
        encoded.dropped(),
        encoded.labelTokens());
  }

  /** Tells the memory as it is planned, and the time by some steps whose result is not kept. */
  private void cost(BaseModel base, Adapter adapter, List<Example> examples, Training settings)
      throws InterruptedException {
    ComputeOptions options = compute.forModel(base.config(), base.device());
    int batch = Math.min(settings.batchSize(), examples.size());
    int[] longest = examples.stream().mapToInt(Example::length).sorted().toArray();
    int rows = Arrays.stream(longest, longest.length - batch, longest.length).sum();
    MemoryPlan plan =
        MemoryPlan.of(base.config(), base.quantization(), adapter.config(), options.type())
            .on(base.device());
    if (options.memoryBytes() > 0) {
      plan = plan.within(options.memoryBytes(), rows);
    }
    List<Long> ends = new ArrayList<>();
    int perStep = settings.batchSize() * settings.accumulation();
    List<Example> some = examples.subList(0, Math.min(examples.size(), STEPS * perStep));
    Training once = settings.toBuilder().epochs(1).build();
    ends.add(System.nanoTime());
    new QloraTrainer(base, (step, of, loss) -> ends.add(System.nanoTime()), options)
        .train(some, adapter, once, 1, 1, new Seed(0));
    int last = ends.size() - 1;
    double step = (ends.get(last) - ends.get(last - 1)) / 1e9;
    int used = some.size() - (last - 1) * perStep;
    System.out.printf(
        Locale.ROOT,
        "memory: about %.0f MB; epoch: about %.1f s, from a step of %.2f s on %d records%n",
        MemoryPlan.total(plan.components(rows)) / 1e6,
        step / used * examples.size(),
        step,
        used);
  }
}
