package org.edgefit.examples;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.edgefit.client.cli.ClientMain;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partition;
import org.edgefit.data.Partitioner;
import org.edgefit.data.Selection;
import org.edgefit.file.Json;
import org.edgefit.random.Seed;
import org.edgefit.server.cli.ServerMain;

/**
 * The smart-home example over gRPC: a server and five clients, each in its own JVM, as if on
 * separate machines. Each client gets only its own file of records.
 *
 * <p>Arguments: the run directory and the number of rounds, both optional.
 */
final class SmartHomeProcesses {

  private static final int HOMES = 5;
  private static final Seed SEED = new Seed(42);

  private SmartHomeProcesses() {}

  /** Runs the example. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path work = Files.createTempDirectory("edgefit-");
    Path run = Path.of(args.length > 0 ? args[0] : work.resolve("run").toString());
    String rounds = args.length > 1 ? args[1] : "4";
    Path model = TinyHome.unpack(work);
    InstructionDataset heldOutEvents = SmartHomeData.heldOutEvents(SEED, 200);
    InstructionDataset training =
        Selection.without(heldOutEvents).select(SmartHomeData.training(SEED, 800, 0, 200, 100));
    Partition homes =
        Partitioner.dirichlet(1.0, SmartHomeData.SKEW_KEY).split(training, HOMES, SEED);
    System.out.println(homes.table(SmartHomeData.SKEW_KEY));
    Path heldOut = work.resolve("held-out.jsonl");
    heldOutEvents.write(heldOut);

    Process server =
        java(
                ServerMain.class,
                List.of(
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "0",
                    "--model",
                    model.toString(),
                    "--run-dir",
                    run.toString(),
                    "--rounds",
                    rounds,
                    "--min-clients",
                    "" + HOMES,
                    "--clients-per-round",
                    "4",
                    "--lr",
                    "2e-3",
                    "--epochs",
                    "2",
                    "--max-length",
                    "128",
                    "--seed",
                    "42",
                    "--json"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<Process> processes = new ArrayList<>(List.of(server));
    try (BufferedReader events =
        new BufferedReader(
            new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8))) {
      String address = "127.0.0.1:" + listening(events);
      for (int i = 0; i < HOMES; i++) {
        Path data = work.resolve("home-" + i + ".jsonl");
        homes.parts().get(i).write(data);
        processes.add(
            java(
                    ClientMain.class,
                    List.of(
                        "join",
                        "--server",
                        address,
                        "--model",
                        model.toString(),
                        "--data",
                        data.toString(),
                        "--id",
                        "home-" + i,
                        "--threads",
                        "1"))
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("home-" + i + ".log").toFile())
                .start());
      }
      System.out.println("server on " + address + "; client logs are in " + work);
      for (String event = events.readLine(); event != null; event = events.readLine()) {
        System.out.println(event);
      }
      for (Process process : processes) {
        int status = process.waitFor();
        if (status != 0) {
          throw new IOException("a process ended with exit status " + status + ": " + process);
        }
      }
    } finally {
      processes.forEach(Process::destroy);
    }

    Path adapter =
        run.resolve("rounds")
            .resolve(String.format(Locale.ROOT, "%04d", Integer.parseInt(rounds)))
            .resolve("adapter");
    System.out.println("\nzero-shot:");
    evaluate(model, heldOut, List.of());
    System.out.println("\nfederated:");
    evaluate(model, heldOut, List.of("--adapter", adapter.toString()));
  }

  /** Reads the server's first event, and returns the port that it listens on. */
  private static int listening(BufferedReader events) throws IOException {
    String line = events.readLine();
    if (line == null) {
      throw new IOException("the server did not start");
    }
    ObjectNode event = Json.parse(line, "the server's first event");
    return event.get("port").asInt();
  }

  private static void evaluate(Path model, Path data, List<String> more)
      throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of("evaluate", "--model", model.toString(), "--data", data.toString()));
    arguments.addAll(more);
    java(ClientMain.class, arguments)
        .redirectOutput(ProcessBuilder.Redirect.INHERIT)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  private static ProcessBuilder java(Class<?> main, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseSerialGC");
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.add("-Dorg.slf4j.simpleLogger.log.org.edgefit=info");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    return new ProcessBuilder(command).directory(new File("."));
  }
}
