package org.edgefit.examples.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Words;
import org.edgefit.examples.JavaProcess;
import org.edgefit.format.peft.PeftAdapter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small experiment on the embedded model, as its users run it. */
class PaperExperimentTest {

  private static final String CONFIG =
      """
      name: small
      data:
        smart-home: {events: 60, intents: 10, commands: 10, routines: 10, validation: 14, test: 21}
        dolly: {file: %s, records: 10}
        self-instruct: {wanted: 2}
      partition: {clients: 3}
      training: {epochs: 1, batch: 8, max-length: 128, learning-rate: 2e-3}
      federated: {rounds: 2, clients-per-round: 2}
      alone: {local-epochs: 1, centralised-epochs: 1}
      tiers:
        gateway: {device: a10}
        hub: {device: raspberry-pi-5, dropout: 0.5}
      memory: {shapes: {smollm2-135m: 0}, batch: 1, sequence: 16}
      evaluation: {scorings: [generation, likelihood-per-token], resamples: 50}
      machine: {threads: 1, parallel: 2}
      """;

  @TempDir Path temp;

  private JavaProcess run(Path config, Path out) throws Exception {
    return JavaProcess.run(PaperExperiment.class, config.toString(), "--out", out.toString());
  }

  private static String record(String instruction, String category) {
    return "{\"instruction\": \""
        + instruction
        + "\", \"response\": \"Yes.\", \"category\": \""
        + category
        + "\"}\n";
  }

  @Test
  void experimentIsReportedAndGoesOnWhereItWas() throws Exception {
    Path dolly =
        Files.writeString(
            temp.resolve("dolly.jsonl"),
            record("Can a thermostat save energy?", "open_qa")
                + record("Write a poem about a sensor.", "creative_writing")
                + record("Who was king?", "open_qa"));
    Path config = Files.writeString(temp.resolve("small.yaml"), CONFIG.formatted(dolly));
    Path out = temp.resolve("out");
    JavaProcess first = run(config, out);
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.out()).contains("A sample of databricks-dolly-15k\n", "Can a thermostat save");

    Path trial = out.resolve("seed-1/tiny-home");
    Measured federated = Measured.read(trial.resolve("federated.json"));
    assertThat(federated.rounds()).hasSize(3);
    assertThat(federated.rounds().get(0).asked()).isZero();
    assertThat(federated.rounds().get(2).asked()).isEqualTo(2);
    assertThat(federated.rounds().get(2).virtualSeconds()).isPositive();
    assertThat(federated.bytes()).isPositive();
    assertThat(federated.validationF1()).isEqualTo(federated.rounds().get(2).f1());
    assertThat(Measured.read(trial.resolve("centralised.json")).validationF1()).isBetween(0.0, 1.0);
    assertThat(federated.cases(Scoring.GENERATION)).hasSize(21);
    assertThat(federated.cases(Scoring.LIKELIHOOD_PER_TOKEN)).hasSize(21);
    assertThat(trial.resolve("local-only-2.json")).exists();
    assertThat(PeftAdapter.read(trial.resolve("centralised/adapter")).config().rank())
        .isEqualTo(16);
    assertThat(Files.readString(out.resolve("report.md")))
        .contains("the paper, Llama-2-7B | 0.89", "## tiny-home, seed 1", "generated")
        .contains("On the virtual clock all rounds take", "| weighted mean |", "| smollm2-135m |")
        .containsPattern("3 +2  not \\[creative_writing")
        .containsPattern("2 +1  among the most relevant");
    assertThat(out.resolve("tables.json")).content().contains("mean", "smollm2-135m");
    assertThat(out.resolve("report.html")).content().contains("<svg", "macro-F1", "viewport");
    assertThat(out.resolve("numbers.csv"))
        .content()
        .contains("tiny-home,1,federated,generation,f1", "centralised,generation,validation-f1");
    assertNoOverlap(out.resolve("seed-1"));

    // What is there is not run again; what is not, is.
    Files.delete(trial.resolve("centralised.json"));
    Files.delete(trial.resolve("federated.json"));
    String report = Files.readString(out.resolve("report.md"));
    JavaProcess second = run(config, out);
    assertThat(second.status()).as(second.err()).isZero();
    assertThat(second.out())
        .contains("local-only-0: done", "centralised: accuracy", "federated: accuracy")
        .doesNotContain("round 1", "zero-shot: accuracy");
    assertThat(withoutSeconds(Files.readString(out.resolve("report.md"))))
        .isEqualTo(withoutSeconds(report));

    String saved = Files.readString(out.resolve("config.json"));
    Files.writeString(
        config, CONFIG.formatted(dolly).replace("parallel: 2", "parallel: 2, compute: bfloat16"));
    JavaProcess computed = run(config, out);
    assertThat(computed.status()).isEqualTo(1);
    assertThat(computed.err()).contains("machine.compute: float32 there, bfloat16 here");
    assertThat(out.resolve("config.json")).content().isEqualTo(saved);

    Files.writeString(config, CONFIG.formatted(dolly).replace("rounds: 2", "rounds: 3"));
    JavaProcess other = run(config, out);
    assertThat(other.status()).isEqualTo(1);
    assertThat(other.err())
        .contains("federated.rounds: 2 there, 3 here", "another --out")
        .doesNotContain("\tat ");

    Files.writeString(config, CONFIG.formatted(dolly));
    Files.writeString(dolly, record("Can a smart lock save energy?", "open_qa"));
    JavaProcess changed = run(config, out);
    assertThat(changed.status()).isEqualTo(1);
    assertThat(changed.err())
        .contains("training.jsonl: the same configuration now gives other records");
    assertThat(out.resolve("seed-1/training.jsonl")).content().contains("Can a thermostat save");
  }

  @Test
  void clientOfWhichNothingCanBeLearnedIsNamed() throws Exception {
    Path config =
        Files.writeString(
            temp.resolve("short.yaml"),
            """
            data: {smart-home: {events: 20, intents: 0, commands: 0, routines: 0, test: 2, validation: 2, held-out: [events]}}
            partition: {clients: 2}
            training: {max-length: 8}
            """);
    JavaProcess run = run(config, temp.resolve("out"));
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err())
        .contains(
            "home-0: none of its records", "maximum length of 8 tokens", "training.max-length")
        .doesNotContain("\tat ");
  }

  private static String withoutSeconds(String report) {
    return report.replaceAll("\\| \\d+ \\| (\\d+\\.\\d) \\|\n", "| $1 |\n");
  }

  private static void assertNoOverlap(Path records) throws IOException {
    InstructionDataset test = InstructionDataset.jsonl(records.resolve("test.jsonl"));
    List<List<String>> questions =
        test.records().stream().map(record -> Words.of(record.question())).toList();
    for (InstructionRecord record :
        InstructionDataset.jsonl(records.resolve("training.jsonl")).records()) {
      assertThat(questions).doesNotContain(Words.of(record.question()));
    }
  }
}
