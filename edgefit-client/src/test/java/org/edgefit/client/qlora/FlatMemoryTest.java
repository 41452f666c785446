package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;

/** A training's memory does not grow with its steps. */
class FlatMemoryTest {

  private static final long LIMIT = 16L << 20;

  /** Returns the bytes that are resident after a collection, on the heap and in all. */
  private static long[] memory() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmRSS:")) {
          return new long[] {
            runtime.totalMemory() - runtime.freeMemory(),
            Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024
          };
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("no VmRSS");
  }

  @Test
  void modelsThatAreUsedWithAnAdapterLeaveNothingBehind() throws Exception {
    BufferPoolMXBean direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();
    try (BaseModel base = TestModel.load(Quantization.NF4)) {
      Adapter adapter = TestModel.adapter(base, LoraConfig.attention(64), 1);
      System.gc();
      long before = direct.getMemoryUsed();
      for (int i = 0; i < 40; i++) {
        Logits.compute(base, adapter, new int[] {1, 2, 3});
      }
      // Buffers are freed some time after a collection; those that are held never are.
      long limit = before + 10 * adapter.layout().bytes();
      long deadline = System.nanoTime() + 10_000_000_000L;
      while (direct.getMemoryUsed() > limit && System.nanoTime() < deadline) {
        System.gc();
      }
      assertThat(direct.getMemoryUsed()).as("direct buffers").isLessThan(limit);
    }
  }

  @Test
  void steps250To500LeaveMemoryFlat() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "resident memory is read on Linux");
    try (BaseModel base = TestModel.load(Quantization.NF4)) {
      SplittableRandom random = new SplittableRandom(1);
      List<Example> examples = new ArrayList<>();
      for (int i = 0; i < 2000; i++) { // lengths differ, as they do in real data
        int[] ids = new int[random.nextInt(60, 120)];
        Arrays.setAll(ids, j -> random.nextInt(base.config().vocabularySize()));
        examples.add(new Example(ids, 1));
      }
      Training training = Training.defaults().toBuilder().epochs(1).batchSize(4).build();
      long[][] seen = new long[2][];
      LoraConfig lora = LoraConfig.attention(8).withDropout(0.05);
      new QloraTrainer(
              base,
              (step, steps, loss) -> {
                if (step == 250) { // the engine has seen most shapes, and keeps their products
                  seen[0] = memory();
                } else if (step == 500) {
                  seen[1] = memory();
                }
              })
          .train(examples, TestModel.adapter(base, lora, 1), training, 1, 1, new Seed(1));
      assertThat(seen[1][0] - seen[0][0]).as("heap").isLessThan(LIMIT);
      assertThat(seen[1][1] - seen[0][1]).as("resident").isLessThan(LIMIT);
    }
  }
}
