package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partitioner;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.random.Seed;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run's memory does not grow with its rounds, in a JVM of its own. */
class FlatRoundsTest {

  private static final long LIMIT = 8L << 20;

  @TempDir Path temp;

  /** Prints for each round what is used of the heap, and what is resident, in bytes. */
  static final class Rounds {
    private Rounds() {}

    public static void main(String[] args) throws Exception {
      Path folder = Path.of(args[0]);
      Seed seed = new Seed(3);
      InstructionDataset data = SmartHomeData.training(seed, 20, 0, 5, 5);
      RunListener memory =
          event -> {
            if (event instanceof RunEvent.RoundClosed) {
              System.gc();
              Runtime runtime = Runtime.getRuntime();
              System.out.println((runtime.totalMemory() - runtime.freeMemory()) + " " + resident());
            }
          };
      try (BaseModel base = BaseModel.load(TinyHome.unpack(folder), Quantization.NF4)) {
        List<QloraClient> clients = new ArrayList<>();
        for (InstructionDataset part : Partitioner.iid().split(data, 3, seed).parts()) {
          clients.add(new QloraClient("home-" + clients.size(), base, part));
        }
        // All of a home's records are one batch: batches of ever other lengths would fill the
        // engine's cache of products, which has an end, but not within so few rounds.
        Training training = Training.defaults().toBuilder().epochs(1).batchSize(10).build();
        Federation.builder()
            .strategy(Strategy.fedAvg())
            .clients(InProcessClients.of(clients))
            .adapter(Adapter.initial(LoraConfig.attention(16), base.linearLayers(), seed))
            .settings(RunSettings.defaults().withMaxLength(128))
            .training(training)
            .runDirectory(folder.resolve("run"))
            .listener(memory)
            .build()
            .run(50);
      }
    }

    private static long resident() {
      try {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
          if (line.startsWith("VmRSS:")) {
            return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      throw new IllegalStateException("no VmRSS");
    }
  }

  @Test
  void rounds25To50LeaveMemoryFlat() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "resident memory is read on Linux");
    // The optimising compiler takes 10 to 20 MB when it gets to the loops, at some round or other.
    List<String> options = List.of("-XX:TieredStopAtLevel=1");
    JavaProcess run = JavaProcess.run(options, Rounds.class, temp.toString());
    assertThat(run.status()).as(run.err()).isZero();
    List<long[]> seen =
        run.out()
            .lines()
            .map(line -> Stream.of(line.split(" ")).mapToLong(Long::parseLong).toArray())
            .toList();
    assertThat(seen).hasSize(51);
    assertThat(seen.get(50)[0] - seen.get(25)[0]).as("heap").isLessThan(LIMIT);
    assertThat(seen.get(50)[1] - seen.get(25)[1]).as("resident").isLessThan(LIMIT);
  }
}
