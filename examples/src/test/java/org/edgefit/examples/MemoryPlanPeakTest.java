package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.edgefit.file.Json;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is predicted before a model is loaded, against the peak of a process that trains it. */
class MemoryPlanPeakTest {

  @TempDir Path temp;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "smollm2-135m --batch 4 --seq 256 --memory-mb 900", // some layers run once more
        "smollm2-360m --batch 2 --seq 256",
        "phi-3-mini --batch 1 --seq 64",
      })
  void planIsWithinTenPercentOfTheMeasuredPeak(String arguments) throws Exception {
    assumeTrue(freeMegabytes() > 6000, "6 GB of free memory, as Linux tells them");
    ObjectNode figures = train(arguments);
    double predicted = figures.get("predicted in all, MB").asDouble();
    double peak = figures.get("peak resident, MB").asDouble();
    // About one process in thirty takes up to a third more: its allocator is left with holes by
    // chance. A plan that is too small is so in every process.
    for (int again = 0; again < 2 && peak * 0.9 > predicted; again++) {
      peak = Math.min(peak, train(arguments).get("peak resident, MB").asDouble());
    }
    assertThat(predicted).isCloseTo(peak, withinPercentage(10));
  }

  private ObjectNode train(String arguments) throws Exception {
    Path figures = temp.resolve("figures.json");
    String[] shape = arguments.split(" ");
    String[] more = {"--steps", "1", "--no-products", "--json", figures.toString()};
    String[] all = Stream.concat(Stream.of(shape), Stream.of(more)).toArray(String[]::new);
    JavaProcess run = JavaProcess.run(TrainingBenchmark.class, all);
    assertThat(run.status()).as(run.err()).isZero();
    return Json.read(figures);
  }

  private static long freeMegabytes() throws IOException {
    Path file = Path.of("/proc/meminfo");
    if (!Files.exists(file)) {
      return 0;
    }
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith("MemAvailable:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1000)
        .findFirst()
        .orElse(0);
  }
}
