package org.edgefit.strategy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.TensorSpec;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Combining the changes of an adapter of 7.4 MB (rank 16 on SmolLM2-135M's attention). */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(0)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AggregationBenchmarks {

  @Param({"5", "10", "100"})
  private int clients;

  private UpdateSet updates;

  /** Runs all of them; an argument chooses some by name. */
  public static void main(String[] args) throws RunnerException {
    new Runner(
            new OptionsBuilder()
                .include(
                    AggregationBenchmarks.class.getSimpleName()
                        + (args.length > 0 ? "." + args[0] : ""))
                .build())
        .run();
  }

  @Setup
  public void prepare() throws IOException {
    List<TensorSpec> tensors = new ArrayList<>();
    for (int layer = 0; layer < 120; layer++) {
      tensors.add(new TensorSpec(layer + ".lora_A", List.of(16, 576)));
      tensors.add(new TensorSpec(layer + ".lora_B", List.of(384, 16)));
    }
    AdapterLayout layout = new AdapterLayout(tensors);
    SplittableRandom random = new SplittableRandom(1);
    List<FakeUpdate> all = new ArrayList<>();
    for (int client = 0; client < clients; client++) {
      List<FloatBuffer> values = new ArrayList<>();
      for (TensorSpec tensor : tensors) {
        FloatBuffer buffer = FloatBuffer.allocate(tensor.elements());
        while (buffer.hasRemaining()) {
          buffer.put((float) random.nextGaussian());
        }
        values.add(buffer.clear());
      }
      all.add(new FakeUpdate("client-" + client, 1, AdapterDelta.of(layout, values)));
    }
    updates = UpdateSet.of(all);
  }

  @Benchmark
  public AdapterDelta mean() {
    return updates.weightedMean();
  }

  /** The mean once more, as a rule of one's own. */
  @Benchmark
  public AdapterDelta coordinatewiseMean() {
    return updates.coordinatewise(
        values -> {
          double sum = 0;
          for (double value : values) {
            sum += value;
          }
          return sum / values.length;
        });
  }

  @Benchmark
  public AdapterDelta median() {
    return updates.coordinatewiseSorted(
        values -> (values[(values.length - 1) / 2] + values[values.length / 2]) / 2);
  }

  /** The median with a sort of one's own for each value. */
  @Benchmark
  public AdapterDelta medianBySorting() {
    return updates.coordinatewise(
        values -> {
          Arrays.sort(values);
          return (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
        });
  }
}
