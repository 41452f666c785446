package org.edgefit.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.edgefit.server.RawClient.chunk;
import static org.edgefit.server.RawClient.message;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.federation.FakeClient;
import org.edgefit.file.Sha256;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.internal.cli.CommandRun;
import org.edgefit.internal.cli.Launcher;
import org.edgefit.proto.Task;
import org.edgefit.server.RawClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command {@code serve}: its options, what it refuses, what it prints, and its exit status. */
@Timeout(60)
@ResourceLock(Resources.SYSTEM_OUT)
@ResourceLock(Resources.SYSTEM_ERR)
class ServeCommandTest {

  private static final Pattern PORT = Pattern.compile("port[\" :]+(\\d+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path temp;
  private final PrintStream out = System.out;
  private final PrintStream err = System.err;
  private final Printed printed = new Printed();
  private Path model;
  private Path run;

  /** What a command has printed until now; a test can wait for some of it. */
  private static final class Printed extends ByteArrayOutputStream {
    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      super.write(bytes, from, length);
      notifyAll();
    }

    synchronized Matcher await(Pattern pattern) throws InterruptedException {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      Matcher matcher = pattern.matcher(toString(UTF_8));
      while (!matcher.find() && System.nanoTime() < end) {
        wait(1000);
        matcher = pattern.matcher(toString(UTF_8));
      }
      matcher.reset();
      assertThat(matcher.find()).as("%s in %s", pattern, this).isTrue();
      return matcher;
    }
  }

  @BeforeEach
  void writeModel() throws IOException {
    run = temp.resolve("run");
    model = Files.createDirectory(temp.resolve("model"));
    Files.writeString(
        model.resolve(ModelConfig.FILE),
        """
        {"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "vocab_size": 32,
         "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
         "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
         "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2}
        """);
  }

  @AfterEach
  void setBack() {
    System.setOut(out);
    System.setErr(err);
  }

  /** Returns a command line that serves, with more options, or others in place of its own. */
  private String[] arguments(String... more) {
    Map<String, String> own = new LinkedHashMap<>();
    own.put("--host", "127.0.0.1");
    own.put("--port", "0");
    own.put("--model", model.toString());
    own.put("--run-dir", run.toString());
    own.put("--lora-rank", "1");
    own.put("--targets", "q_proj");
    own.keySet().removeAll(List.of(more));
    List<String> all = new ArrayList<>(List.of("serve"));
    own.forEach((option, value) -> all.addAll(List.of(option, value)));
    all.addAll(List.of(more));
    return all.toArray(new String[0]);
  }

  private CommandRun serve(String... more) {
    return CommandRun.of(ServerMain.class, arguments(more));
  }

  // ---- refusals

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource(
      delimiter = '|',
      value = {
        "--port              | -1         | 0 to 65535",
        "--port              | 65536      | 0 to 65535",
        "--rounds            | 0          | >= 1",
        "--min-clients       | 0          | >= 1",
        "--quorum            | 0          | >= 1",
        "--max-examples      | 0          | >= 1",
        "--evaluate-clients  | -1         | >= 0",
        "--deadline          | 0          | 1 to 1000000000",
        "--deadline          | 1000000001 | 1 to 1000000000",
        "--join-timeout      | 0          | 1 to 1000000000",
        "--join-timeout      | 1000000001 | 1 to 1000000000",
        "--rejoin-grace      | 0          | 1 to 1000000000",
        "--rejoin-grace      | 1000000001 | 1 to 1000000000",
        "--base-hash         | abc        | 64 hexadecimal digits",
      })
  void valueOutOfRangeIsWrongUsageAndNothingIsMade(String option, String value, String expected) {
    CommandRun refused = serve(option, value);
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.errLines())
        .containsExactly(
            "edgefit-server serve: " + option + ": " + value + " (expected: " + expected + ")");
    assertThat(refused.out()).isEmpty();
    assertThat(run).doesNotExist();
  }

  @Test
  void weightsThatAStrategyWouldNotUseAreRefused() {
    CommandRun capped = serve("--strategy", "scaffold:eta=1", "--weight-cap", "5");
    assertThat(capped.status()).isEqualTo(2);
    assertThat(capped.errLines().get(0))
        .endsWith("--weight-cap: 5.0 (expected: not with scaffold, which weights results itself)");
    CommandRun uniform = serve("--strategy", "fedbuff", "--weighting", "UNIFORM");
    assertThat(uniform.status()).isEqualTo(2);
    assertThat(uniform.errLines().get(0))
        .endsWith(
            "--weighting: UNIFORM (expected: not with fedbuff, which weights results itself)");
    assertThat(run).doesNotExist();
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource(
      delimiter = '|',
      value = {
        "--lora-rank         | 0        | rank: 0",
        "--lora-dropout      | 1.5      | dropout: 1.5",
        "--epochs            | 0        | epochs: 0 (expected: >= 1)",
        "--lr                | -1       | learningRate: -1.0 (expected: > 0)",
        "--clients-per-round | 0        | 0 (expected: >= 1)",
        "--weight-cap        | 0        | 0.0 (expected: ",
        "--max-length        | 1        | 1 (expected: ",
        "--strategy          | fedavgg  | fedavgg (expected: one of ",
        "--template          | nothing  | template: nothing (expected: one of ",
        "--weighting         | size     | 'size'",
        "--host              | no.invalid | --host: no.invalid (expected: an address or a name of",
        "--rounds            | many     | 'many' is not an int",
        "--seed              | 1.5      | '1.5' is not a long",
      })
  void valueThatItsPartRefusesIsWrongUsageInOneLine(String option, String value, String expected) {
    CommandRun refused = serve(option, value);
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.errLines().get(0)).startsWith("edgefit-server serve: ").contains(expected);
    assertThat(refused.err()).doesNotContain("\tat ", "Exception");
    assertThat(run).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "--port, 65535",
    "--rounds, 1",
    "--min-clients, 1",
    "--quorum, 1",
    "--max-examples, 1",
    "--evaluate-clients, 0",
    "--deadline, 1",
    "--deadline, 1000000000",
    "--join-timeout, 1000000000",
    "--rejoin-grace, 1000000000"
  })
  void valueAtTheEdgeOfItsRangeIsTaken(String option, String value) {
    model = temp.resolve("nowhere"); // which is looked at next
    assertThat(serve(option, value).errLines())
        .containsExactly(
            "edgefit-server serve: " + model + ": not found (expected: a model directory)");
  }

  @Test
  void wayBackNeedsARunThatGoesOn() {
    CommandRun refused = serve("--go-back");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.errLines())
        .containsExactly("edgefit-server serve: --go-back: without --resume (expected: both)");
  }

  @Test
  void rootOfTheFileSystemIsNoRunDirectory() {
    run = temp.getRoot();
    assertThat(serve().errLines())
        .containsExactly("edgefit-server serve: --run-dir: " + run + " (expected: a new folder)");
  }

  @Test
  void lengthBeyondTheModelsIsRefused() {
    CommandRun refused = serve("--max-length", "513");
    assertThat(refused.status()).isNotZero();
    assertThat(refused.errLines()).singleElement().asString().contains("513", "512");
    assertThat(run).doesNotExist();
  }

  @Test
  void whatIsMissingIsNamed() {
    CommandRun refused = CommandRun.of(ServerMain.class, "serve");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.errLines().get(0)).contains("--model=DIR", "--run-dir=DIR");
    assertThat(refused.errLines().get(1)).isEqualTo("see: edgefit-server serve --help");
  }

  @Test
  void optionThatIsMisspeltIsAnsweredWithTheOneThatIsMeant() {
    CommandRun refused = serve("--round", "3");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("'--round'", "--rounds", "see: edgefit-server serve --help");
  }

  @Test
  void filesThatAreNotThereAreToldByTheirPaths() {
    Path nowhere = temp.resolve("nowhere");
    assertTold(serve("--strategy-jar", nowhere.toString()), "--strategy-jar: " + nowhere);
    assertTold(serve("--adapter", nowhere.toString()), nowhere.toString());
    model = nowhere;
    assertTold(serve(), nowhere + ": not found (expected: a model directory)");
  }

  private void assertTold(CommandRun failed, String what) {
    assertThat(failed.status()).isEqualTo(1);
    assertThat(failed.errLines())
        .singleElement()
        .asString()
        .startsWith("edgefit-server serve: " + what);
    assertThat(run).doesNotExist();
  }

  @Test
  void directoryThatHoldsSomethingElseIsNotTouched() throws IOException {
    Files.writeString(run, "a file of the user's");
    CommandRun file = serve();
    assertThat(file.status()).isEqualTo(1);
    assertThat(file.err()).contains(run + ": a file (expected: a directory for the run)");
    assertThat(run).content().isEqualTo("a file of the user's");
    run = Files.createDirectories(temp.resolve("other/rounds")).getParent();
    assertThat(serve().err()).contains(run + ": already has a run");
  }

  @Test
  void portThatIsTakenIsToldByItsAddress() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CommandRun failed = serve("--port", Integer.toString(taken.getLocalPort()));
      assertThat(failed.status()).isEqualTo(1);
      assertThat(failed.errLines())
          .singleElement()
          .asString()
          .contains("127.0.0.1:" + taken.getLocalPort() + ": cannot listen (")
          .doesNotContain("Exception");
      assertThat(failed.out()).isEmpty();
    }
  }

  @Test
  void runThatTooFewJoinEndsAfterItsJoinTimeoutAndThoseThatCameAreTold() throws Exception {
    String reason = "clients: [home] after 1 s (expected: at least 2)";
    long start = System.nanoTime();
    Serving serving = new Serving("--join-timeout", "1", "--min-clients", "2");
    try (RawClient client = serving.client("home")) {
      join(client);
      assertThat(client.next().getFinished().getDetail()).isEqualTo(reason);
      assertThat(serving.end()).isEqualTo(1);
    }
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(1_000_000_000L); // not before
    assertThat(printed.toString(UTF_8).lines())
        .first()
        .asString()
        .endsWith(", waiting for 2 clients");
    assertThat(printed.toString(UTF_8).lines()).last().isEqualTo("edgefit-server serve: " + reason);
  }

  // ---- runs

  /** A server that runs in a thread of this JVM; what it prints goes to {@link #printed}. */
  private final class Serving {
    private final FutureTask<Integer> status;

    Serving(String... more) {
      System.setOut(new PrintStream(printed, true, UTF_8));
      System.setErr(new PrintStream(printed, true, UTF_8));
      status = new FutureTask<>(() -> Launcher.execute(ServerMain.class, arguments(more)));
      Thread thread = new Thread(status, "serve");
      thread.setDaemon(true);
      thread.start();
    }

    RawClient client(String id) throws InterruptedException {
      return new RawClient(Integer.parseInt(printed.await(PORT).group(1)), id);
    }

    int end() throws Exception {
      return status.get(30, TimeUnit.SECONDS);
    }
  }

  /** Joins a run, and returns its id. */
  private static String join(RawClient client) throws InterruptedException {
    client.send(RawClient.join(client.id()));
    return client.next().getWelcome().getRunId();
  }

  private byte[] update(float value) throws IOException {
    Adapter first = PeftAdapter.read(run.resolve("rounds/0000/adapter"));
    Path file = temp.resolve("update.safetensors");
    UpdateFile.write(FakeClient.constant(first.layout(), value), NamedTensors.none(), file);
    return Files.readAllBytes(file);
  }

  private void answer(RawClient client, String runId, float value) throws Exception {
    Task task = client.nextTask();
    byte[] file = update(value);
    assertThat(client.submit(message(client.header(task, file).setRunId(runId)), chunk(file)))
        .contains("sha256");
  }

  @Test
  void runSaysWhatItWaitsForWhoTrainedAndWhereTheAdapterIs() throws Exception {
    Serving serving = new Serving("--rounds", "2");
    try (RawClient client = serving.client("home")) {
      String runId = join(client);
      answer(client, runId, 1);
      answer(client, runId, 2);
      assertThat(serving.end()).isZero();
    }
    Path weights = run.resolve("adapter/adapter_model.safetensors");
    List<String> lines = printed.toString(UTF_8).lines().toList();
    assertThat(lines.get(0)).matches("listening on port \\d+, waiting for 1 client");
    assertThat(lines.get(1)).isEqualTo("base model: of the first client");
    assertThat(lines)
        .contains("before training", "round 1/2: clients home")
        .anyMatch(line -> line.startsWith("  home trained on 1 records, loss 1.000"))
        .anyMatch(line -> line.startsWith("round 2: 1 of 1 clients, training loss 1.000"));
    assertThat(lines.subList(lines.size() - 2, lines.size()))
        .containsExactly("adapter: " + run.resolve("adapter"), "SHA-256: " + Sha256.of(weights));
    assertThat(PeftAdapter.read(run.resolve("adapter")).tensor(1).get(0)).isEqualTo(3);
    JsonNode manifest = JSON.readTree(run.resolve("run.json").toFile());
    assertThat(manifest.findValue("baseModelHash").asText()).isEqualTo(RawClient.HASH);
  }

  @Test
  void eventsAreJsonObjectsThatOthersCanFollow() throws Exception {
    Serving serving =
        new Serving(
            "--json",
            "--rounds",
            "1",
            "--base-hash",
            RawClient.HASH,
            "--seed",
            "5",
            "--epochs",
            "2",
            "--weighting",
            "label_tokens",
            "--max-length",
            "77",
            "--labels",
            "on,off");
    try (RawClient client = serving.client("home")) {
      client.send(RawClient.join("home"));
      var welcome = client.next().getWelcome();
      assertThat(JSON.readTree(welcome.getSettings()).path("maxLength").asInt()).isEqualTo(77);
      assertThat(JSON.readTree(welcome.getSettings()).path("labels")).hasSize(2);
      answer(client, welcome.getRunId(), 1);
      assertThat(serving.end()).isZero();
    }
    List<JsonNode> events = new ArrayList<>();
    for (String line : printed.toString(UTF_8).lines().toList()) {
      events.add(JSON.readTree(line));
    }
    assertThat(events)
        .extracting(event -> event.path("event").asText())
        .startsWith("listening", "runOpened", "clientJoined", "roundClosed", "roundOpened")
        .endsWith("roundClosed", "runClosed", "finished");
    assertThat(events.get(0).path("baseModelHash").asText()).isEqualTo(RawClient.HASH);
    JsonNode settings = events.get(1).path("settings");
    assertThat(settings.path("seed").asLong()).isEqualTo(5);
    assertThat(settings.path("training").path("epochs").asInt()).isEqualTo(2);
    assertThat(settings.path("strategy").toString()).contains("LABEL_TOKENS");
    assertThat(settings.path("baseModel").asText()).isEqualTo(model.toString());
    JsonNode last = events.get(events.size() - 1);
    assertThat(last.path("adapter").asText()).isEqualTo(run.resolve("adapter").toString());
    assertThat(last.path("adapterSha256").asText())
        .isEqualTo(Sha256.of(run.resolve("adapter/adapter_model.safetensors")));
    long update = Files.size(run.resolve("rounds/0001/updates/home.safetensors"));
    long adapter = Files.size(run.resolve("rounds/0000/adapter/adapter_model.safetensors"));
    assertThat(last.path("bytesMoved").asLong()).isEqualTo(update + adapter);
  }

  @Test
  void runInWhichNobodyTrainsFailsAndItsClientsAreTold() throws Exception {
    Serving serving = new Serving("--rounds", "1");
    try (RawClient client = serving.client("home")) {
      join(client);
      client.fail(client.nextTask().getTask(), "no memory");
      assertThat(client.next().getFinished().getDetail())
          .isEqualTo("no client trained in any round: the adapter is unchanged");
      assertThat(serving.end()).isEqualTo(1);
    }
    assertThat(printed.toString(UTF_8))
        .contains("  home failed: no memory")
        .contains("adapter unchanged: 0 usable results (expected: at least 1)")
        .endsWith(
            "edgefit-server serve: no client trained in any round: the adapter is unchanged"
                + System.lineSeparator());
  }

  @Test
  void runGoesOnForMoreRoundsWithTheBaseModelThatItHad() throws Exception {
    Serving first = new Serving("--rounds", "1");
    try (RawClient client = first.client("home")) {
      answer(client, join(client), 1);
      assertThat(first.end()).isZero();
    }
    printed.reset();
    CommandRun other = serve("--resume", "--rounds", "2", "--lr", "0.5");
    assertThat(other.status()).isEqualTo(1);
    assertThat(other.errLines())
        .singleElement()
        .asString()
        .contains("training.learningRate: 0.5 (expected: 2.0E-4, as in the original run)");
    assertThat(other.out()).isEmpty(); // it never listened
    assertThat(serve("--rounds", "2").err()).contains(run + ": already has a run");

    Serving second = new Serving("--resume", "--rounds", "2");
    try (RawClient client = second.client("home")) {
      answer(client, join(client), 2);
      assertThat(second.end()).isZero();
    }
    assertThat(printed.toString(UTF_8))
        .contains("base model: " + RawClient.HASH)
        .contains("resuming at round 2 of 2")
        .doesNotContain("round 1 of 2");
    assertThat(PeftAdapter.read(run.resolve("adapter")).tensor(1).get(0)).isEqualTo(3);
  }

  @Test
  void damagedRunIsRefusedOrGoneBackOnIfThatIsWanted() throws Exception {
    Serving first = new Serving("--rounds", "1");
    try (RawClient client = first.client("home")) {
      answer(client, join(client), 1);
      assertThat(first.end()).isZero();
    }
    Path weights = run.resolve("rounds/0001/adapter/adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    CommandRun refused = serve("--resume", "--rounds", "1");
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.errLines()).last().asString().contains("SHA-256", "journal.log:");
    assertThat(refused.out()).isEmpty();
    printed.reset();
    Serving second = new Serving("--resume", "--go-back", "--rounds", "1");
    try (RawClient client = second.client("home")) {
      answer(client, join(client), 4);
      assertThat(second.end()).isZero();
    }
    assertThat(printed.toString(UTF_8)).contains("rollback to round 0", "round 1 of 1");
    assertThat(PeftAdapter.read(run.resolve("adapter")).tensor(1).get(0)).isEqualTo(4);
  }

  @Test
  void runStartsFromTheAdapterThatIsNamed() throws Exception {
    Adapter fresh =
        Adapter.initial(
            new org.edgefit.adapter.LoraConfig(3, 6, 0, List.of("v_proj")),
            ModelConfig.read(model).linearLayers(),
            new org.edgefit.random.Seed(4));
    Path given = temp.resolve("given");
    PeftAdapter.write(fresh, given, "base");
    Serving serving = new Serving("--rounds", "1", "--adapter", given.toString());
    try (RawClient client = serving.client("home")) {
      answer(client, join(client), 0);
      assertThat(serving.end()).isZero();
    }
    Adapter last = PeftAdapter.read(run.resolve("adapter"));
    assertThat(last.config().rank()).isEqualTo(3);
    assertThat(last.config().targets()).containsExactly("v_proj");
    assertThat(last.tensor(0)).isEqualTo(fresh.tensor(0));
  }

  @Test
  void helpAndVersionAreOnStandardOutput() {
    CommandRun help = CommandRun.of(ServerMain.class, "serve", "--help");
    assertThat(help.status()).isZero();
    assertThat(help.err()).isEmpty();
    Stream.of("--rounds=N", "(default: 10)", "--go-back", "EXAMPLES, LABEL_TOKENS, UNIFORM")
        .forEach(text -> assertThat(help.out()).contains(text));
    assertThat(CommandRun.of(ServerMain.class, "--version").outLines().get(0))
        .startsWith("edgefit ");
    CommandRun none = CommandRun.of(ServerMain.class);
    assertThat(none.status()).isEqualTo(2);
    assertThat(none.err()).contains("Missing required subcommand");
  }
}
