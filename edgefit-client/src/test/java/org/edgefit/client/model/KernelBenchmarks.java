package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.engine.TorchEngine;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * The kernels of a training step, one by one, on the shapes of SmolLM2-135M and a batch of 4 x 256:
 * NF4 of a 2048 x 2048 weight, the loss over 128 rows of logits, attention over one text.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(0)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmarks {

  private static final int SIDE = 2048;
  private static final int ROWS = 256;
  private static final Kernels.Span TEXT = new Kernels.Span(0, ROWS);
  private static final Kernels.Heads HEADS = new Kernels.Heads(3, 3, 64);

  private final FloatBuffer values =
      ByteBuffer.allocateDirect(SIDE * SIDE * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
  private final Nf4Quantizer quantizer = new Nf4Quantizer();
  private NDManager manager;
  private Nf4Matrix matrix;
  private Scratch floats;
  private Scratch halves;
  private NDArray logits;
  private NDArray labels;
  private NDArray qkv;
  private NDArray attended;
  private NDArray logSumExp;

  /** Runs all of them; an argument chooses some by name. */
  public static void main(String[] args) throws RunnerException {
    String name = args.length > 0 ? args[0] : "";
    new Runner(new OptionsBuilder().include("KernelBenchmarks.*" + name).build()).run();
  }

  @Setup
  public void setUp() throws IOException {
    TorchEngine.setThreads(Runtime.getRuntime().availableProcessors());
    manager = TorchEngine.newManager();
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < values.capacity(); i++) {
      values.put(i, (float) random.nextGaussian());
    }
    matrix = new Nf4Matrix(List.of(quantize()));
    floats = new Scratch(manager, ComputeType.FLOAT32);
    halves = new Scratch(manager, ComputeType.BFLOAT16);
    NDArray one = manager.ones(new Shape(1));
    logits = Kernels.empty(manager, one, 128, 49152);
    Kernels.fill(logits, 0.5);
    labels = manager.create(new long[128]);
    qkv = Kernels.empty(manager, one, ROWS, 15 * 64);
    Kernels.fill(qkv, 0.1);
    attended = Kernels.empty(manager, one, ROWS, 9 * 64);
    logSumExp = attention();
  }

  @TearDown
  public void tearDown() {
    manager.close();
  }

  @Benchmark
  public Nf4Weight quantize() throws IOException {
    return quantizer.quantize(
        (first, out) -> out.put(values.slice((int) first, out.remaining())), SIDE, SIDE, true);
  }

  @Benchmark
  public NDArray decodeToFloat32() {
    return matrix.rows(floats, 0, SIDE);
  }

  @Benchmark
  public NDArray decodeToBfloat16() {
    return matrix.rows(halves, 0, SIDE);
  }

  @Benchmark
  public void crossEntropy() {
    Kernels.crossEntropy(manager, logits, labels, 1.0).close();
  }

  @Benchmark
  public void attentionForward() {
    attention().close();
  }

  private NDArray attention() {
    return Kernels.attention(manager, attended, qkv, TEXT, HEADS, null);
  }

  @Benchmark
  public void attentionBackward() {
    try (NDArray dqkv = Kernels.empty(manager, qkv, ROWS, 15 * 64)) {
      Kernels.attentionBackward(dqkv, attended, qkv, attended, logSumExp, TEXT, HEADS, null);
    }
  }
}
