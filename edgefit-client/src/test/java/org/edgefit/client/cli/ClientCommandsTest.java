package org.edgefit.client.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.Status;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.wire.FakeServer;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.format.safetensors.TensorFile;
import org.edgefit.internal.cli.CommandRun;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client's commands: what they refuse, what they write and print, and their exit status. */
@Timeout(120)
@ResourceLock(Resources.SYSTEM_OUT)
@ResourceLock(Resources.SYSTEM_ERR)
class ClientCommandsTest {

  /** A model of 6 small layers, with its tokenizer. */
  private static final String TINY =
      "../examples/src/main/resources/org/edgefit/examples/tiny-home";

  /** A model of random weights without a tokenizer, and an adapter of it. */
  private static final String LLAMA = "src/test/resources/golden/llama";

  private static final String ADAPTER = LLAMA + "/adapter0";

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path temp;
  private Path data;
  private String out;

  @BeforeEach
  void writeRecords() throws IOException {
    out = temp.resolve("out").toString();
    data =
        Files.writeString(
            temp.resolve("home.jsonl"),
            """
            {"instruction": "The fan is on.", "response": "Normal", "label": "Normal"}
            {"instruction": "The door opened at 3 am.", "response": "Anomaly", "label": "Anomaly"}
            {"instruction": "The lamp is off.", "response": "Normal", "label": "Normal"}
            {"instruction": "The oven is on since 9 h.", "response": "Anomaly", "label": "Anomaly"}
            """);
  }

  private static CommandRun run(String... args) {
    return CommandRun.of(ClientMain.class, args);
  }

  /** Runs a command line whose words have spaces between, and places named in braces. */
  private CommandRun line(String line) {
    List<String> args = new ArrayList<>();
    StringTokenizer words = new StringTokenizer(line);
    while (words.hasMoreTokens()) {
      args.add(
          words
              .nextToken()
              .replace("{tiny}", TINY)
              .replace("{llama}", LLAMA)
              .replace("{adapter}", ADAPTER)
              .replace("{data}", data.toString())
              .replace("{out}", out)
              .replace("{nowhere}", temp.resolve("nowhere").toString()));
    }
    return run(args.toArray(new String[0]));
  }

  private static CommandRun ok(CommandRun run) {
    assertThat(run.status()).as(run.err()).isZero();
    return run;
  }

  // ---- refusals

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "join --id a --model {tiny} --data {data} --server localhost | join: --server: localhost (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server :8080 | join: --server: :8080 (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server host: | join: --server: host: (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server host:0 | join: --server: host:0 (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server host:65536 | join: --server: host:65536 (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server host:x1 | join: --server: host:x1 (expected: HOST:PORT)",
        "join --id a --model {tiny} --data {data} --server h:1 --patience 0 | join: --patience: 0 (expected: 1 to 1000000000)",
        "join --id a --model {tiny} --data {data} --server h:1 --patience 1000000001 | join: --patience: 1000000001 (expected: 1 to 1000000000)",
        "join --id a.b --model {tiny} --data {data} --server h:1 | join: client id: \"a.b\"",
        "plan --model llama-2-7b --batch 0 | plan: --batch, --seq: 0 x 256 (expected: 1 to 2^31 - 1 tokens)",
        "plan --model llama-2-7b --seq 0 | plan: --batch, --seq: 4 x 0 (expected: 1 to 2^31 - 1 tokens)",
        "plan --model llama-2-7b --batch 65536 --seq 32768 | plan: --batch, --seq: 65536 x 32768 (expected: 1 to 2^31 - 1 tokens)",
        "plan --model llama-2-7b --compute auto | plan: --compute: auto (expected: float32 or bfloat16)",
        "plan --model llama-9 | plan: model: llama-9 (expected: a directory with config.json, or one of smollm2-135m, smollm2-360m, phi-3-mini, llama-2-7b)",
        "plan --model llama-2-7b --memory lots | plan: --memory: lots (expected: bytes, for example 6.5G or 900M)",
        "plan --model llama-2-7b --device gpu | plan: --device: gpu (expected: cpu, cuda or cuda:N)",
        "generate --model {tiny} | generate: --prompt, --prompts: none (expected: an instruction)",
        "train --model {tiny} --data {data} --out {out} --memory lots | train: --memory: lots (expected: bytes, for example 6.5G or 900M)",
        "train --model {tiny} --data {data} --out {out} --batch 0 | train: batchSize: 0 (expected: >= 1)",
        "train --model {tiny} --data {data} --out {out} --warmup 2 | train: warmupRatio: 2.0 (expected: in [0, 1])",
        "train --model {tiny} --data {data} --out {out} --template none | train: template: none (expected: one of ",
        "evaluate --model {tiny} --data {data} --scoring best | evaluate: Invalid value for option '--scoring'",
        "logits --model {llama} --out {out} --ids 1,x | logits: Invalid value for option '--ids'",
        "logits --model {llama} --out {out} --ids 1,512 | logits: ids: 512 (expected: 0 to 511)",
        "quantize --model {llama} | quantize: Missing required option: '--out=DIR'",
      })
  void wrongUsageIsToldInALineAndWritesNothing(String line, String message) {
    CommandRun refused = line(line);
    assertThat(refused.status()).as(refused.err()).isEqualTo(2);
    assertThat(refused.errLines())
        .anySatisfy(told -> assertThat(told).startsWith("edgefit-client " + message));
    assertThat(refused.err()).doesNotContain("\tat ", "Exception");
    assertThat(refused.out()).isEmpty();
    assertThat(Path.of(out)).doesNotExist();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "train --model {tiny} --data {nowhere} --out {out} | train: {nowhere}: ",
        "train --model {nowhere} --data {data} --out {out} | train: {nowhere}: not found (expected: a model directory)",
        "train --model {tiny} --data {data} --out {out} --adapter {nowhere} | train: {nowhere}",
        "train --model {adapter} --data {data} --out {out} | train: {adapter}: an adapter (expected: a model)",
        "merge --model {llama} --adapter {nowhere} --out {out} | merge: {nowhere}",
        "export-gguf --model {llama} --adapter {nowhere} --out {out} | export-gguf: {nowhere}",
        "quantize --model {nowhere} --out {out} | quantize: {nowhere}",
        "generate --model {tiny} --prompts {nowhere} | generate: {nowhere}",
        "generate --model {tiny} --prompt x --device cuda:99 | generate: --device: not found: ",
        "evaluate --model {tiny} --data {data} --max-length 99999 | evaluate: ",
        "join --id a --model {tiny} --data {data} --server h:1 --rule-jar {nowhere} | join: --rule-jar: {nowhere}: no such file",
      })
  void whatCannotBeDoneIsToldInALineAndWritesNothing(String line, String message) {
    CommandRun failed = line(line);
    assertThat(failed.status()).as(failed.err()).isNotZero();
    String expected =
        message
            .replace("{nowhere}", temp.resolve("nowhere").toString())
            .replace("{adapter}", ADAPTER);
    assertThat(failed.errLines()).last().asString().startsWith("edgefit-client " + expected);
    assertThat(failed.err()).doesNotContain("\tat ", "Exception");
    assertThat(Path.of(out)).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"join --id a --server h:1", "check"})
  void fileWithoutRecordsIsRefusedByItsName(String command) throws IOException {
    Files.writeString(data, "[]");
    CommandRun failed = line(command + " --model {tiny} --data {data}");
    assertThat(failed.status()).isEqualTo(1);
    assertThat(failed.errLines()).last().asString().contains(data + ": ", "record");
  }

  @ParameterizedTest
  @ValueSource(strings = {"train --out {out}", "check"})
  void recordsThatAreAllTooLongAreToldWithTheLength(String command) {
    CommandRun failed = line(command + " --model {tiny} --data {data} --max-length 3 --threads 1");
    assertThat(failed.status()).as(failed.err()).isEqualTo(1);
    assertThat(failed.errLines()).last().asString().contains(data.toString(), "3 tokens");
    assertThat(Path.of(out)).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train --model {tiny} --data {data} --epochs 1 --threads 1 --lora-rank 1",
        "merge --model {llama} --adapter {adapter}",
        "quantize --model {llama}"
      })
  void directoryThatHoldsSomethingIsReplacedOnlyIfThatIsWanted(String command) throws IOException {
    Path kept = Files.createDirectory(Path.of(out)).resolve("notes.txt");
    Files.writeString(kept, "a user's own");
    CommandRun refused = line(command + " --out {out}");
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.errLines()).last().asString().contains(out, "--overwrite");
    assertThat(kept).content().isEqualTo("a user's own");
    ok(line(command + " --out {out} --overwrite"));
    assertThat(kept).doesNotExist();
    assertThat(Path.of(out)).isNotEmptyDirectory();
  }

  // ---- planning

  @Test
  void planIsTheSumOfItsParts() throws IOException {
    CommandRun planned = ok(line("plan --model smollm2-135m --batch 2 --seq 100 --json"));
    JsonNode plan = JSON.readTree(planned.out());
    long sum = 0;
    for (JsonNode part : plan.path("components")) {
      assertThat(part.asLong()).isNotNegative();
      sum += part.asLong();
    }
    assertThat(plan.path("total").asLong()).isEqualTo(sum).isPositive();
    assertThat(plan.path("layers_kept").asInt()).isEqualTo(30);

    CommandRun shown = ok(line("plan --model smollm2-135m --batch 2 --seq 100"));
    assertThat(shown.outLines().get(0)).isEqualTo("200 tokens in a forward pass, MB of 10^6 bytes");
    assertThat(shown.outLines())
        .contains(String.format(java.util.Locale.ROOT, "%-24s %8.1f MB", "total", sum / 1e6))
        .contains("all 30 layers keep their activations")
        .hasSize(plan.path("components").size() + 4);
  }

  @Test
  void planWithinABudgetKeepsFewerLayers() throws IOException {
    long whole = total("plan --model smollm2-135m --json");
    JsonNode less =
        JSON.readTree(
            ok(line("plan --model smollm2-135m --json --memory " + whole * 9 / 10)).out());
    assertThat(less.path("layers_kept").asInt()).isBetween(0, 29);
    assertThat(less.path("total").asLong()).isLessThanOrEqualTo(whole * 9 / 10);
    assertThat(line("plan --model smollm2-135m --memory " + whole * 9 / 10).out())
        .contains(
            less.path("layers_kept").asInt()
                + " of 30 layers keep their activations; the rest is recomputed");
  }

  private long total(String line) throws IOException {
    return JSON.readTree(ok(line(line)).out()).path("total").asLong();
  }

  @Test
  void planOfADirectoryIsThatOfItsConfig() throws IOException {
    long few = total("plan --model {tiny} --batch 1 --seq 32 --json");
    assertThat(total("plan --model {tiny} --batch 2 --seq 16 --json")).isEqualTo(few);
    assertThat(total("plan --model {tiny} --batch 8 --seq 64 --json")).isGreaterThan(few);
    assertThat(total("plan --model {tiny} --batch 1 --seq 32 --json --lora-rank 64"))
        .isGreaterThan(few);
    assertThat(total("plan --model {tiny} --batch 1 --seq 32 --json --quantization none"))
        .isGreaterThan(few);
  }

  @Test
  void planThatIsMoreThanTheMachineHasSaysSo() {
    String much = "plan --model llama-2-7b --batch 999 --seq 99999";
    assertThat(ok(line(much)).outLines())
        .last()
        .asString()
        .matches("this machine or container has [0-9.]+ MB: use --memory to save memory");
    assertThat(ok(line("plan --model smollm2-135m --batch 1 --seq 8")).out())
        .doesNotContain("this machine or container has")
        .contains("the JVM heap is 256 MB (JAVA_OPTS=-Xmx256m)");
  }

  // ---- models and adapters

  private FloatBuffer logits(String model, String more) throws IOException {
    Path file = temp.resolve("logits.safetensors");
    CommandRun run =
        ok(line("logits --model " + model + " --ids 1,5,9,200 --threads 1 --out " + file + more));
    assertThat(run.outLines()).containsExactly("logits: " + file);
    NamedTensors read = TensorFile.copy(file);
    assertThat(read.specs()).hasSize(1);
    assertThat(read.specs().get(0).shape()).containsExactly(4, 512);
    Files.delete(file);
    return read.tensor("logits");
  }

  private static double largestDifference(FloatBuffer one, FloatBuffer other) {
    double largest = 0;
    for (int i = 0; i < one.capacity(); i++) {
      largest = Math.max(largest, Math.abs(one.get(i) - other.get(i)));
    }
    return largest;
  }

  @Test
  void mergedModelComputesWhatTheModelAndItsAdapterDo() throws IOException {
    FloatBuffer base = logits("{llama}", "");
    FloatBuffer adapted = logits("{llama}", " --adapter {adapter}");
    CommandRun merged = ok(line("merge --model {llama} --adapter {adapter} --out {out}"));
    assertThat(merged.outLines()).containsExactly("model: " + out);
    assertThat(merged.errLines()).last().asString().matches("merging: (\\d+) of \\1(, .+)?");
    assertThat(largestDifference(adapted, base)).isGreaterThan(1e-3);
    assertThat(largestDifference(adapted, logits("{out}", ""))).isLessThan(1e-4);
  }

  @Test
  void quantisedModelComputesWhatTheModelDoesThatIsQuantisedAsItIsRead() throws IOException {
    FloatBuffer read = logits("{llama}", " --quantization nf4");
    CommandRun quantized = ok(line("quantize --model {llama} --out {out} --json"));
    assertThat(JSON.readTree(quantized.out()).path("model").asText()).isEqualTo(out);
    assertThat(largestDifference(read, logits("{out}", ""))).isLessThan(1e-5);
    assertThat(largestDifference(read, logits("{llama}", ""))).isGreaterThan(1e-3);
    Path files = Path.of(out);
    CommandRun again = run("quantize", "--model", out, "--out", temp.resolve("twice").toString());
    assertThat(again.status()).isEqualTo(1);
    assertThat(again.errLines()).last().asString().contains(files.toString());
    assertThat(temp.resolve("twice")).doesNotExist();
  }

  @Test
  void adapterIsWrittenForLlamaCpp() throws IOException {
    CommandRun exported =
        ok(line("export-gguf --model {llama} --adapter {adapter} --out {out}.gguf"));
    assertThat(exported.outLines()).containsExactly("adapter: " + out + ".gguf");
    byte[] file = Files.readAllBytes(Path.of(out + ".gguf"));
    assertThat(new String(file, 0, 4, StandardCharsets.US_ASCII)).isEqualTo("GGUF");
    CommandRun json =
        ok(line("export-gguf --model {llama} --adapter {adapter} --out {out}.gguf --json"));
    assertThat(JSON.readTree(json.out()).path("adapter").asText()).isEqualTo(out + ".gguf");
  }

  @Test
  void engineIsPreparedAndItsCacheIsNamed() {
    assertThat(ok(run("prepare")).outLines().get(0)).matches("ready: .+, \\d+ MB");
  }

  // ---- training and its use

  @Test
  void trainingLeavesAnAdapterThatTheOtherCommandsTake() throws IOException {
    String train =
        "train --model {tiny} --data {data} --out {out} --epochs 2 --batch 2 --lr 1e-2"
            + " --lora-rank 2 --targets q_proj,v_proj --seed 3 --threads 1";
    CommandRun trained = ok(line(train + " --json"));
    List<JsonNode> lines = new ArrayList<>();
    for (String text : trained.outLines()) {
      lines.add(JSON.readTree(text));
    }
    assertThat(lines).hasSize(5); // two epochs of two steps, and the result
    for (int step = 1; step <= 4; step++) {
      assertThat(lines.get(step - 1).path("step").asInt()).isEqualTo(step);
      assertThat(lines.get(step - 1).path("steps").asInt()).isEqualTo(4);
      assertThat(lines.get(step - 1).path("loss").asDouble()).isPositive();
    }
    assertThat(lines.get(4).path("adapter").asText()).isEqualTo(out);
    assertThat(trained.errLines())
        .anyMatch(told -> told.startsWith(data + ": 4 records"))
        .anyMatch(told -> told.matches("4 records: 0 cut to \\d+ tokens, 0 dropped; \\d+ .*"));
    Adapter adapter = PeftAdapter.read(Path.of(out));
    assertThat(adapter.config().rank()).isEqualTo(2);
    assertThat(adapter.config().alpha()).isEqualTo(4);
    assertThat(Path.of(out, "adapter_config.json")).content().contains("tiny-home");

    CommandRun again = ok(line(train + " --overwrite"));
    assertThat(again.outLines().get(0)).matches("last epoch's loss: [0-9.]+");
    assertThat(again.outLines().get(1)).isEqualTo("adapter: " + out);
    assertThat(
            Double.parseDouble(again.outLines().get(0).substring("last epoch's loss: ".length())))
        .isCloseTo(lines.get(4).path("loss").asDouble(), within(5e-5));
    for (int t = 0; t < adapter.layout().tensors().size(); t++) {
      assertThat(PeftAdapter.read(Path.of(out)).tensor(t)).isEqualTo(adapter.tensor(t));
    }

    CommandRun evaluated =
        ok(line("evaluate --model {tiny} --adapter {out} --data {data} --threads 1 --json"));
    JsonNode result = JSON.readTree(evaluated.out());
    assertThat(result.path("records").asInt()).isEqualTo(4);
    assertThat(result.path("dropped").asInt()).isZero();
    assertThat(result.path("loss").asDouble()).isPositive();
    assertThat(result.path("perplexity").asDouble())
        .isCloseTo(Math.exp(result.path("loss").asDouble()), within(1e-6));
    assertThat(result.path("classes").path("Normal").path("recall").isNumber()).isTrue();
    assertThat(result.path("classes")).hasSize(2);
    assertThat(result.path("invalid").asInt()).isZero();
    CommandRun shown =
        ok(line("evaluate --model {tiny} --adapter {out} --data {data} --threads 1"));
    assertThat(shown.outLines().get(0)).isEqualTo("4 records, 0 dropped");
    assertThat(shown.outLines().get(1))
        .isEqualTo(
            String.format(
                java.util.Locale.ROOT,
                "loss %.4f, perplexity %.3f",
                result.path("loss").asDouble(),
                result.path("perplexity").asDouble()));
    assertThat(shown.out())
        .contains("delimiter scored with a label: ")
        .endsWith("the base model is NF4 (--quantization)" + System.lineSeparator());
  }

  @Test
  void evaluationOfOneClassSaysThatItsFiguresSayNothing() throws IOException {
    Files.writeString(
        data,
        """
        {"instruction": "The fan is on.", "response": "Normal", "label": "Normal"}
        """);
    assertThat(ok(line("evaluate --model {tiny} --data {data} --threads 1")).out())
        .contains("one class only, [Normal]: the metrics are meaningless");
    assertThat(ok(line("check --model {tiny} --data {data} --threads 1")).out())
        .contains("labels: Normal 1;", "; one class only: metrics are meaningless");
    Files.writeString(data, "{\"instruction\": \"The fan is on.\", \"response\": \"Yes.\"}\n");
    assertThat(ok(line("evaluate --model {tiny} --data {data} --threads 1")).out())
        .doesNotContain("label", "class");
  }

  @Test
  void answersThatAreNoneOfTheClassesAreCounted() {
    CommandRun run =
        ok(
            line(
                "evaluate --model {tiny} --data {data} --scoring generation --threads 1"
                    + " --labels Zebra,Normal,Anomaly"));
    assertThat(run.out()).contains("Zebra");
  }

  @Test
  void eachInstructionIsAnsweredInItsOrder() throws IOException {
    Path prompts = Files.writeString(temp.resolve("prompts.txt"), "The fan is on.\nTwo.\n");
    CommandRun json =
        ok(
            run(
                "generate",
                "--model",
                TINY,
                "--prompt",
                "Hello.",
                "--prompts",
                prompts.toString(),
                "--max-tokens",
                "4",
                "--threads",
                "1",
                "--json"));
    List<String> answers = new ArrayList<>();
    for (String text : json.outLines()) {
      answers.add(JSON.readTree(text).path("answer").asText());
    }
    assertThat(answers).hasSize(3);
    CommandRun alone =
        ok(
            run(
                "generate",
                "--model",
                TINY,
                "--prompt",
                "The fan is on.",
                "--max-tokens",
                "4",
                "--threads",
                "1"));
    assertThat(alone.out().strip()).isEqualTo(answers.get(1).strip());
  }

  @Test
  void checkShowsWhatWouldBeLearnedAndChangesNothing() throws IOException {
    CommandRun checked =
        ok(line("check --model {tiny} --data {data} --threads 1 --lora-rank 2 --all-tokens"));
    assertThat(checked.outLines().get(0))
        .isEqualTo("model: llama, 6 layers of width 256, 4096 tokens");
    assertThat(checked.out())
        .contains("weights: all finite; stored as nf4")
        .contains("labels: Anomaly 2, Normal 2; delimiter scored with a label: ")
        .contains("adapter: rank 2 on ", ", new")
        .containsPattern("\n⟦.*The fan is on\\.") // all of it is learned
        .containsPattern("tokens: median \\d+, max \\d+ of \\d+; 0 of 4 records truncated, 0")
        .containsPattern("memory: about \\d+ MB; epoch: about [0-9.]+ s, from a step of [0-9.]+ s")
        .endsWith("ready" + System.lineSeparator());
    try (Stream<Path> files = Files.list(temp)) {
      assertThat(files).containsExactly(data);
    }
  }

  // ---- joining

  private CommandRun joining(FakeServer server, Peer peer, String... more) throws Exception {
    Thread thread =
        new Thread(
            () -> {
              try {
                peer.serve(server.next());
              } catch (InterruptedException | IOException e) {
                throw new IllegalStateException(e);
              }
            });
    thread.start();
    List<String> args = new ArrayList<>();
    args.addAll(List.of("join", "--server", "127.0.0.1:" + server.port(), "--id", "home"));
    args.addAll(List.of("--model", TINY, "--data", data.toString(), "--threads", "1"));
    args.addAll(List.of("--state-dir", temp.resolve("state").toString()));
    args.addAll(List.of(more));
    CommandRun run = run(args.toArray(new String[0]));
    thread.join();
    return run;
  }

  private interface Peer {
    void serve(FakeServer.Session session) throws InterruptedException, IOException;
  }

  @Test
  void clientJoinsWithItsModelsHashAndSaysWhenTheRunIsOver() throws Exception {
    String hash = ModelFiles.contentHash(Path.of(TINY));
    List<Join> joins = new ArrayList<>();
    Peer ending =
        session -> {
          joins.add(session.join());
          session.finish(Finished.End.DONE, "");
        };
    try (FakeServer server = new FakeServer()) {
      CommandRun told = ok(joining(server, ending));
      assertThat(told.errLines()).last().isEqualTo("home: the run is over");
      assertThat(told.out()).isEmpty();
      CommandRun json = ok(joining(server, ending, "--json", "--eval-data", data.toString()));
      assertThat(json.outLines()).containsExactly("{\"finished\":\"home\"}");
    }
    assertThat(joins)
        .hasSize(2)
        .allSatisfy(
            join -> {
              assertThat(join.getClientId()).isEqualTo("home");
              assertThat(join.getBaseModelHash()).isEqualTo(hash);
              assertThat(join.getDescriptionMap()).isNotEmpty();
            });
  }

  @Test
  void runThatEndsBadlyOrDoesNotTakeTheClientIsToldInALine() throws Exception {
    try (FakeServer server = new FakeServer()) {
      CommandRun refused =
          joining(
              server,
              session ->
                  session.end(
                      Status.FAILED_PRECONDITION.withDescription("base model: a (expected: b)")));
      assertThat(refused.status()).isEqualTo(1);
      assertThat(refused.errLines())
          .last()
          .isEqualTo("edgefit-client join: base model: a (expected: b)");
      CommandRun failed =
          joining(
              server,
              session -> {
                session.join();
                session.finish(Finished.End.FAILED, "out of disk");
              });
      assertThat(failed.status()).isEqualTo(1);
      assertThat(failed.errLines())
          .last()
          .isEqualTo("edgefit-client join: the run failed on the server: out of disk");
    }
  }
}
