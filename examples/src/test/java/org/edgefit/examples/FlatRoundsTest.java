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
    // Of resident memory the allocator takes 20 MB more at some round or other, and goes up and
    // down by 10 MB: what a run loses is in each run.
    long resident = Long.MAX_VALUE;
    for (int attempt = 0; attempt < 3 && resident >= LIMIT; attempt++) {
      List<long[]> seen = rounds(Files.createDirectory(temp.resolve("attempt-" + attempt)));
      assertThat(growth(seen, 0)).as("heap").isLessThan(LIMIT);
      resident = Math.min(resident, growth(seen, 1));
    }
    assertThat(resident).as("resident").isLessThan(LIMIT);
  }

  /** What each of the rounds printed, and the state before the first. */
  private static List<long[]> rounds(Path folder) throws Exception {
    // The optimising compiler takes 10 to 20 MB when it gets to the loops, at some round or other.
    List<String> options = List.of("-XX:TieredStopAtLevel=1");
    JavaProcess run = JavaProcess.run(options, Rounds.class, folder.toString());
    assertThat(run.status()).as(run.err()).isZero();
    List<long[]> seen =
        run.out()
            .lines()
            .map(line -> Stream.of(line.split(" ")).mapToLong(Long::parseLong).toArray())
            .toList();
    assertThat(seen).hasSize(51);
    return seen;
  }

  /** How much the median of rounds 41 to 50 is above the one of rounds 16 to 25. */
  private static long growth(List<long[]> seen, int column) {
    return median(seen.subList(41, 51), column) - median(seen.subList(16, 26), column);
  }

  private static long median(List<long[]> seen, int column) {
    return seen.stream()
        .mapToLong(row -> row[column])
        .sorted()
        .skip(seen.size() / 2)
        .findFirst()
        .orElseThrow();
  }
}
