package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.FitResult;
import org.edgefit.federation.FakeClient;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunResult;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A round takes two adapters of heap beside the first one, however many clients there are. */
class RoundHeapTest {

  @TempDir Path temp;

  /** Runs two rounds with an adapter of 64 MB. */
  static final class Rounds {
    private Rounds() {}

    public static void main(String[] args) throws Exception {
      List<LinearSpec> layers =
          IntStream.range(0, 32)
              .mapToObj(i -> new LinearSpec("model.layers." + i + ".self_attn.q_proj", 4096, 4096))
              .toList();
      Adapter start =
          Adapter.initial(new LoraConfig(64, 64, 0, List.of("q_proj")), layers, new Seed(1));
      FloatBuffer tensor = FloatBuffer.allocate(64 * 4096); // what all clients send, many times
      tensor.put(5, 1);
      AdapterDelta delta =
          AdapterDelta.of(
              start.layout(), Collections.nCopies(start.layout().tensors().size(), tensor));
      List<FakeClient> clients = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(args[1]); i++) {
        clients.add(new FakeClient("c" + i, asked -> new FitResult(delta, 1, 1, Map.of())));
      }
      RunResult result =
          Federation.builder()
              .strategy(Strategy.fedAvg())
              .clients(InProcessClients.of(clients))
              .adapter(start)
              .runDirectory(Path.of(args[0]))
              .build()
              .run(2);
      System.out.println(result.adapter().tensor(1).get(5));
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 224", "12, 224"})
  void heapIsThatOfThreeAdapters(int clients, int megabytes) throws Exception {
    JavaProcess run =
        JavaProcess.run(
            List.of("-Xmx" + megabytes + "m"),
            Rounds.class,
            temp.resolve("run").toString(),
            Integer.toString(clients));
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out().strip()).isEqualTo("2.0");
  }
}
