package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraTrainer;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.LabelSet;
import org.edgefit.file.Json;
import org.edgefit.file.OutputDirectory;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.internal.cli.LoraOptions;
import org.edgefit.internal.cli.TrainingOptions;
import org.edgefit.random.Seed;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains an adapter on one file. */
@Command(
    name = "train",
    description = "Trains an adapter on a file of records, without federation.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE.jsonl",
      description = "records to train on")
  private Path data = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "new directory for the trained adapter, which PEFT loads")
  private Path out = Path.of("");

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "seed of the adapter, the order and the dropout (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(names = "--json", description = "print each step as a JSON object on a line")
  private boolean json;

  @Mixin private OutputOptions output = new OutputOptions();

  @Mixin private LoraOptions lora = new LoraOptions();

  @Mixin private TrainingOptions training = new TrainingOptions();

  @Mixin private DataOptions dataOptions = new DataOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Mixin private ComputeOption compute = new ComputeOption();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Training settings = training.toTraining();
    RunSettings run = training.toRunSettings();
    compute.memoryBytes(); // a misspelt size is refused before the long work
    InstructionDataset records = dataOptions.read(data);
    LabelSet.requireSound(List.of(), records.records());
    Adapter given = model.readAdapter();
    OutputDirectory.require(
        out, output.overwrite(), model.inputs(data)); // before the long work, not after it
    machine.apply();
    ModelConfig.read(model.model()).requireLength(run.maxLength());
    try (BaseModel base = model.load(run.quantization(), machine)) {
      ExampleEncoder.Encoded encoded = base.encoder(run).encode(records);
      System.err.printf(
          Locale.ROOT,
          "%d records: %d cut to %d tokens, %d dropped; %d label tokens%n",
          records.size(),
          encoded.cut(),
          run.maxLength(),
          encoded.dropped(),
          encoded.labelTokens());
      if (encoded.examples().isEmpty()) {
        throw new IOException(
            data
                + ": no usable record: none of "
                + records.size()
                + " has a response within the maximum length of "
                + run.maxLength()
                + " tokens");
      }
      Adapter start =
          given != null
              ? given
              : Adapter.initial(
                  lora.toLora(), base.linearLayers(), new Seed(seed).split("adapter"));
      QloraTrainer.Result result;
      try (StepDisplay display = new StepDisplay("training", json)) {
        result =
            new QloraTrainer(base, display, compute.forModel(base.config(), base.device()))
                .train(encoded.examples(), start, settings, 1, 1, new Seed(seed));
      }
      try (OutputDirectory written =
          OutputDirectory.open(out, output.overwrite(), model.inputs(data))) {
        PeftAdapter.write(result.adapter(), written.path(), model.name());
        written.publish();
      }
      finished(result);
    }
    return 0;
  }

  private void finished(QloraTrainer.Result result) {
    if (json) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("adapter", out.toString());
      line.put("loss", result.loss());
      System.out.println(Json.line(line));
    } else {
      System.out.printf(Locale.ROOT, "last epoch's loss: %.4f%nadapter: %s%n", result.loss(), out);
    }
  }
}
