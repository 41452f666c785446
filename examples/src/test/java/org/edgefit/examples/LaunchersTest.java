package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.edgefit.examples.JavaProcess.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.edgefit.client.cli.ClientMain;
import org.edgefit.file.Json;
import org.edgefit.random.Seed;
import org.edgefit.server.cli.ServerMain;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launchers as their users run them: processes, arguments, output and exit status. */
class LaunchersTest {

  @TempDir Path temp;
  private Path model;
  private Path data;

  @BeforeEach
  void write() throws IOException {
    model = TinyHome.unpack(temp);
    data = temp.resolve("data.jsonl");
    SmartHomeData.training(new Seed(1), 24, 0, 8, 4).write(data);
  }

  @Test
  void trainingEvaluationAndAnswersWorkTogether() throws Exception {
    Path adapter = temp.resolve("adapter");
    JavaProcess trained =
        run(
            ClientMain.class,
            "train",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--out",
            adapter.toString(),
            "--epochs",
            "2",
            "--lr",
            "2e-3",
            "--lora-rank",
            "4",
            "--threads",
            "1",
            "--json");
    assertThat(trained.status()).as(trained.err()).isZero();
    assertThat(trained.out().lines()).hasSize(11); // 2 epochs of 5 steps, and the result
    assertThat(adapter).isDirectoryContaining("glob:**adapter_model.safetensors");

    JavaProcess evaluated =
        run(
            ClientMain.class,
            "evaluate",
            "--model",
            model.toString(),
            "--adapter",
            adapter.toString(),
            "--data",
            data.toString(),
            "--json");
    assertThat(evaluated.status()).as(evaluated.err()).isZero();
    assertThat(Json.parse(evaluated.out(), "output").path("f1").isNumber()).isTrue();

    JavaProcess answered =
        run(
            ClientMain.class,
            "generate",
            "--model",
            model.toString(),
            "--adapter",
            adapter.toString(),
            "--prompt",
            "Turn on the kitchen light.",
            "--max-tokens",
            "12");
    assertThat(answered.status()).as(answered.err()).isZero();
    assertThat(answered.out()).isNotBlank();

    Path logits = temp.resolve("logits.safetensors");
    JavaProcess computed =
        run(
            ClientMain.class,
            "logits",
            "--model",
            model.toString(),
            "--adapter",
            adapter.toString(),
            "--ids",
            "1,5,9",
            "--out",
            logits.toString());
    assertThat(computed.status()).as(computed.err()).isZero();
    assertThat(logits).isRegularFile();
  }

  @Test
  void checkShowsWhatTrainingWouldRead() throws Exception {
    JavaProcess checked =
        run(
            ClientMain.class,
            "check",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--threads",
            "1");
    assertThat(checked.status()).as(checked.err()).isZero();
    assertThat(checked.out().lines().toList())
        .first()
        .isEqualTo("model: llama, 6 layers of width 256, 4096 tokens");
    assertThat(checked.out())
        .contains("weights: all finite", "<s>[INST] ", " [/INST]⟦ ", "</s>⟧", "labels: ")
        .containsPattern("memory: about \\d+ MB; epoch: about ")
        .endsWith("ready" + System.lineSeparator());
    assertThat(checked.err()).contains(data + ": 36 records: instruction");

    Path mixed = temp.resolve("mixed.jsonl");
    Files.writeString(
        mixed,
        """
        {"instruction":"say </s>","response":"a","label":"a"}
        {"instruction":"b","response":"a. So.","label":"a"}
        """);
    JavaProcess refused =
        run(
            ClientMain.class,
            "check",
            "--model",
            model.toString(),
            "--data",
            mixed.toString(),
            "--threads",
            "1");
    assertToldInALine(refused, 2, "labels: after \"a\" in the responses: the end in 1, \".\" in 1");
    assertThat(refused.out())
        .contains("special tokens in the text of 1 of 2 records, first in record 1")
        .doesNotContain("ready");
  }

  private static void assertToldInALine(JavaProcess run, int status, String... texts) {
    assertThat(run.status()).as(run.err()).isEqualTo(status);
    assertThat(run.err()).contains(texts).doesNotContain("\tat ", "Exception");
  }

  @Test
  void mistakesAreToldInALine() throws Exception {
    String nowhere = temp.resolve("nowhere").toString();
    assertToldInALine(
        run(ClientMain.class, "evaluate", "--model", nowhere, "--data", data.toString()),
        1,
        "nowhere",
        "not found");
    assertToldInALine(
        run(
            ClientMain.class,
            "train",
            "--model",
            model.toString(),
            "--data",
            nowhere,
            "--out",
            nowhere),
        1,
        "no such file");
    assertToldInALine(
        run(
            ClientMain.class,
            "train",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--out",
            nowhere,
            "--lr",
            "-1"),
        2,
        "learningRate: -1.0 (expected: > 0)");
    assertToldInALine(
        run(
            ClientMain.class,
            "logits",
            "--model",
            model.toString(),
            "--ids",
            "1,99999",
            "--out",
            nowhere),
        2,
        "ids: 99999 (expected: 0 to 4095)");
    assertToldInALine(
        run(
            ClientMain.class,
            "join",
            "--server",
            "localhost",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--id",
            "a"),
        2,
        "--server: localhost (expected: HOST:PORT)");
    assertToldInALine(
        run(
            ClientMain.class,
            "generate",
            "--model",
            model.toString(),
            "--prompt",
            "Hello.",
            "--device",
            "cuda:99"),
        1,
        "--device: not found: device: gpu(99) (expected: cpu()");
    assertToldInALine(
        run(ClientMain.class, "quantize", "--model", model.toString(), "--out", nowhere),
        1,
        "quantized already".replace("z", "s"));
    assertToldInALine(
        run(ServerMain.class, "serve", "--model", nowhere, "--run-dir", nowhere), 1, "not found");
    assertToldInALine(
        run(
            ServerMain.class,
            "serve",
            "--model",
            model.toString(),
            "--run-dir",
            nowhere,
            "--targets",
            "wq"),
        2,
        "targets: wq (expected: among");
    assertToldInALine(
        run(
            ServerMain.class,
            "serve",
            "--model",
            model.toString(),
            "--run-dir",
            nowhere,
            "--prot",
            "1"),
        2,
        "Unknown option",
        "--prot");
  }

  @Test
  void planSaysWhatAContainerNeeds() throws Exception {
    JavaProcess plan =
        run(ClientMain.class, "plan", "--model", "llama-2-7b", "--batch", "999", "--seq", "9999");
    assertThat(plan.status()).isZero();
    assertThat(plan.out()).contains("the JVM heap is 256 MB", "--memory to save memory");
  }

  @Test
  void helpTeaches() throws Exception {
    JavaProcess help = run(ServerMain.class, "serve", "--help");
    assertThat(help.status()).isZero();
    assertThat(help.out()).contains("--clients-per-round", "--lora-rank", "(default: 16)");
    JavaProcess client = run(ClientMain.class, "--help");
    assertThat(client.out()).contains("join", "quantize", "Examples:");
  }
}
