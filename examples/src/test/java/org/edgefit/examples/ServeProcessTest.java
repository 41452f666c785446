package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.edgefit.client.cli.ClientMain;
import org.edgefit.random.Seed;
import org.edgefit.server.cli.ServerMain;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server and homes as processes of their own, which are stopped, frozen and killed. */
@Timeout(180)
class ServeProcessTest {

  private static final Pattern LISTENING = Pattern.compile("\"port\":(\\d+)");

  @TempDir Path temp;
  private Path model;
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void unpack() throws IOException {
    model = TinyHome.unpack(temp);
  }

  @AfterEach
  void end() {
    processes.forEach(Process::destroyForcibly);
  }

  private Process serve(Path output, Path run, String port, String... more) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("serve", "--host", "127.0.0.1", "--port", port));
    arguments.addAll(List.of("--model", model.toString(), "--run-dir", run.toString()));
    arguments.addAll(List.of("--rounds", "2", "--min-clients", "2", "--lora-rank", "4"));
    arguments.addAll(List.of("--epochs", "3", "--lr", "1e-3", "--max-length", "96", "--json"));
    arguments.addAll(List.of(more));
    Process server = JavaProcess.start(output, ServerMain.class, arguments.toArray(new String[0]));
    processes.add(server);
    return server;
  }

  private Process join(String id, String port, String... more) throws IOException {
    Path data = temp.resolve(id + ".jsonl");
    SmartHomeData.training(new Seed(id.hashCode()), 50, 0, 20, 10).write(data);
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("join", "--server", "127.0.0.1:" + port, "--id", id));
    arguments.addAll(List.of("--model", model.toString(), "--data", data.toString()));
    arguments.addAll(List.of("--state-dir", temp.resolve("state").toString()));
    arguments.addAll(List.of("--threads", "1", "--json"));
    arguments.addAll(List.of(more));
    Process client =
        JavaProcess.start(
            temp.resolve(id + ".log"), ClientMain.class, arguments.toArray(new String[0]));
    processes.add(client);
    return client;
  }

  private static String await(Path file, String what) throws Exception {
    for (int i = 0; i < 1200; i++) {
      String text = Files.exists(file) ? Files.readString(file) : "";
      if (text.contains(what)) {
        return text;
      }
      Thread.sleep(50);
    }
    throw new AssertionError(file + " has no " + what + ":\n" + Files.readString(file));
  }

  private static String port(Path output) throws Exception {
    Matcher matcher = LISTENING.matcher(await(output, "\"port\""));
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }

  private static void signal(String signal, Process process) throws Exception {
    new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
  }

  private int endOf(Process process) throws InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("%s ends", process).isTrue();
    return process.exitValue();
  }

  @Test
  void killedServerThatGoesOnCostsNoTrainedStep() throws Exception {
    Path whole = temp.resolve("whole.out");
    Process undisturbed = serve(whole, temp.resolve("whole"), "0");
    String port = port(whole);
    List<Process> homes = List.of(join("home-a", port), join("home-b", port));
    assertThat(endOf(undisturbed)).isZero();
    for (Process home : homes) {
      assertThat(endOf(home)).isZero();
    }
    String expected = sha256(whole);

    Path run = temp.resolve("killed");
    Path output = temp.resolve("killed.out");
    Process server = serve(output, run, "0");
    String samePort = port(output);
    Files.delete(temp.resolve("home-a.log"));
    Files.delete(temp.resolve("home-b.log"));
    homes = List.of(join("home-a", samePort), join("home-b", samePort));
    await(temp.resolve("home-a.log"), "\"step\":3,"); // it trains
    server.destroyForcibly().waitFor();
    Path second = temp.resolve("second.out");
    Process again = serve(second, run, samePort, "--resume", "--rejoin-grace", "60");
    assertThat(endOf(again)).as(Files.readString(second)).isZero();
    for (Process home : homes) {
      assertThat(endOf(home)).isZero();
    }
    assertThat(sha256(second)).isEqualTo(expected);
    for (String home : List.of("home-a", "home-b")) {
      String log = Files.readString(temp.resolve(home + ".log"));
      assertThat(log.split("\"step\":1,", -1)).as(log).hasSize(1 + 2); // once in each round
    }
  }

  private static String sha256(Path output) throws IOException {
    Matcher matcher =
        Pattern.compile("\"event\":\"finished\".*\"adapterSha256\":\"([0-9a-f]{64})\"")
            .matcher(Files.readString(output));
    assertThat(matcher.find()).as(Files.readString(output)).isTrue();
    return matcher.group(1);
  }

  @Test
  void stoppedServerBlamesNobodyAndTellsItsClients() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/proc")), "signals are sent by kill");
    Path run = temp.resolve("run");
    Path output = temp.resolve("server.out");
    Process server = serve(output, run, "0", "--rejoin-grace", "2");
    String port = port(output);
    Process alive = join("home-a", port);
    Process frozen = join("home-b", port);
    await(temp.resolve("home-b.log"), "\"step\":1,");
    signal("STOP", frozen);
    signal("TERM", server);
    assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(endOf(alive)).isEqualTo(1);
    assertThat(Files.readString(temp.resolve("home-a.log")))
        .contains("the server stopped the run: stopped in round 1");
    assertThat(Files.readString(run.resolve("journal.log")))
        .contains("\"event\":\"roundOpened\",\"round\":1", "\"end\":\"stopped\"")
        .doesNotContain("\"clientFinished\"", "\"event\":\"roundClosed\",\"round\":1");
    assertThat(run.resolve("adapter")).doesNotExist();
  }

  @Test
  void secondServerOfADirectoryEndsBeforeItListens() throws Exception {
    Path run = temp.resolve("run");
    Path first = temp.resolve("first.out");
    serve(first, run, "0");
    port(first);
    Path second = temp.resolve("second.out");
    Process other = serve(second, run, "0", "--resume");
    assertThat(endOf(other)).isEqualTo(1);
    assertThat(Files.readString(second))
        .contains(run + ": in use by another run")
        .doesNotContain("listening");
  }

  @Test
  void wrongValuesAndOtherSettingsAreRefusedBeforeItListens() throws Exception {
    Path run = temp.resolve("run");
    Path wrong = temp.resolve("wrong.out");
    assertThat(endOf(serve(wrong, run, "0", "--warmup", "5"))).isEqualTo(2);
    assertThat(Files.readString(wrong)).contains("warmup").doesNotContain("listening");
    assertThat(run).doesNotExist();

    Path first = temp.resolve("first.out");
    Process server = serve(first, run, "0");
    String port = port(first);
    join("home-a", port);
    join("home-b", port);
    await(run.resolve("journal.log"), "roundOpened");
    server.destroyForcibly().waitFor();
    byte[] log = Files.readAllBytes(run.resolve("journal.log"));
    Path other = temp.resolve("other.out");
    assertThat(endOf(serve(other, run, "0", "--resume", "--max-examples", "7"))).isEqualTo(1);
    assertThat(Files.readString(other))
        .contains("maxExamples: 7 (expected: 1000000, as in the original run)")
        .doesNotContain("listening");
    assertThat(run.resolve("journal.log")).hasBinaryContent(log);
  }

  @Test
  void strategyOfOnesOwnIsTakenFromAJarByItsName() throws Exception {
    Path jar = jarWithProvider();
    Path output = temp.resolve("server.out");
    Path run = temp.resolve("run");
    Process server =
        serve(output, run, "0", "--strategy-jar", jar.toString(), "--strategy", "halved:step=0.25");
    String port = port(output);
    List<Process> homes =
        List.of(join("home-a", port, "--rule-jar", jar.toString()), join("home-b", port));
    assertThat(endOf(server)).as(Files.readString(output)).isZero();
    for (Process home : homes) {
      assertThat(endOf(home)).isZero();
    }
    assertThat(Files.readString(run.resolve("metrics.jsonl")))
        .containsPattern("home-a\".*\"outcome\":\"trained\"")
        .contains("local rule: still (expected: one of [fedprox, proximal, scaffold], which");
    assertThat(Files.readString(run.resolve("run.json")))
        .contains("\"optimizer\" : \"Halved$Part, code ", "\"optimizer.step\" : \"0.25\"");

    JavaProcess unknown =
        JavaProcess.run(
            ServerMain.class,
            "serve",
            "--model",
            model.toString(),
            "--run-dir",
            temp.resolve("other").toString(),
            "--strategy-jar",
            jar.toString(),
            "--strategy",
            "nonsense");
    assertThat(unknown.status()).isEqualTo(2);
    assertThat(unknown.err())
        .contains(
            "strategy: nonsense (expected: one of [fedavg, fedavgm, fedbuff, fedprox, halved,");
    JavaProcess option =
        JavaProcess.run(
            ServerMain.class,
            "serve",
            "--model",
            model.toString(),
            "--run-dir",
            temp.resolve("other").toString(),
            "--strategy",
            "fedavgm:eat=1");
    assertThat(option.status()).isEqualTo(2);
    assertThat(option.err()).contains("option: eat (expected: one of fedavgm's: server momentum");
  }

  private Path jarWithProvider() throws IOException {
    Path source = temp.resolve("Halved.java");
    Files.writeString(
        source,
        """
        import org.edgefit.adapter.AdapterDelta;
        import org.edgefit.strategy.*;

        public final class Halved implements StrategyProvider {
          public String name() { return "halved"; }
          public String description() { return "a part of the mean: step=0.5"; }
          public Strategy create(FedAvg base, StrategyOptions options) {
            return base.optimizer(new Part(options.number("step", 0.5)))
                .assignments(new AssignmentRule.LocalRule("still", "times", 1));
          }
          public static final class Still implements org.edgefit.client.LocalRule {
            public String name() { return "still"; }
            public LocalTraining begin(org.edgefit.client.FitInstruction asked) {
              return (tensor, weights, gradient) -> {};
            }
          }
          record Part(double step) implements ServerOptimizer {
            public ServerState step(RoundContext round, AdapterDelta mean) {
              return round.state().plus(mean, step);
            }
          }
        }
        """);
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-proc:none",
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                temp.toString(),
                source.toString());
    assertThat(status).isZero();
    Path jar = temp.resolve("halved.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out)) {
      for (String name : List.of("Halved.class", "Halved$Part.class", "Halved$Still.class")) {
        entries.putNextEntry(new JarEntry(name));
        entries.write(Files.readAllBytes(temp.resolve(name)));
      }
      entries.putNextEntry(new JarEntry("META-INF/services/org.edgefit.strategy.StrategyProvider"));
      entries.write("Halved".getBytes(StandardCharsets.UTF_8));
      entries.putNextEntry(new JarEntry("META-INF/services/org.edgefit.client.LocalRule"));
      entries.write("Halved$Still".getBytes(StandardCharsets.UTF_8));
    }
    return jar;
  }
}
