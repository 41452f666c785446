package org.edgefit.examples.experiment;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.edgefit.examples.TrainingBenchmark;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;

/**
 * The memory that a training step of a shape takes, in a process of its own.
 *
 * @param shape the model's shape
 * @param predicted what the memory plan says, in MB
 * @param peak the most that was resident, in MB; NaN where the system does not tell
 */
record MeasuredMemory(String shape, double predicted, double peak) {

  /** Measures the shapes of a configuration, but for those that a folder has already. */
  static List<MeasuredMemory> of(ExperimentConfig config, Path folder)
      throws IOException, InterruptedException {
    List<MeasuredMemory> all = new ArrayList<>();
    for (String shape : config.memory().budgets().keySet()) {
      String type = Section.spelled(config.machine().fixedType());
      Path file = folder.resolve("memory-" + shape + "-" + type + ".json");
      if (Files.exists(file)) {
        System.out.println("memory of " + shape + ": done, " + file);
      } else {
        measure(config, shape, file);
      }
      ObjectNode figures = Json.read(file);
      MeasuredMemory measured =
          new MeasuredMemory(
              shape,
              figures.path("predicted in all, MB").asDouble(),
              Double.parseDouble(figures.path("peak resident, MB").asText()));
      System.out.printf(Locale.ROOT, "memory of %s: at most %.0f MB%n", shape, measured.peak());
      all.add(measured);
    }
    return all;
  }

  private static void measure(ExperimentConfig config, String shape, Path file)
      throws IOException, InterruptedException {
    System.out.println("memory of " + shape + ": a step in a separate process");
    Path figures = DurableFiles.partOf(file);
    int threads = config.machine().threads();
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xms48m",
                "-Xmn16m",
                "-XX:MaxDirectMemorySize=1024g",
                "-cp",
                System.getProperty("java.class.path"),
                TrainingBenchmark.class.getName(),
                shape,
                "--steps=0",
                "--no-products",
                "--rank=" + config.lora().rank(),
                "--dropout=" + config.lora().dropout(),
                "--batch=" + config.memory().batch(),
                "--seq=" + config.memory().sequence(),
                "--compute=" + config.machine().fixedType().name(),
                "--json=" + figures));
    if (threads > 0) {
      command.add("--threads=" + threads);
    }
    long budget = config.memory().budgets().getOrDefault(shape, 0L);
    if (budget > 0) {
      command.add("--memory-mb=" + (budget >> 20));
    }
    File log = file.resolveSibling("memory-" + shape + ".log").toFile();
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    try {
      if (process.waitFor() != 0) {
        throw new IOException(
            "memory of " + shape + ": the step ended with " + process.exitValue() + "; see " + log);
      }
    } finally {
      process.destroy();
    }
    DurableFiles.publish(figures, file);
  }
}
