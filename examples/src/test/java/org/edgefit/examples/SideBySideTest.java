package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
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
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Base models and runs do not know of one another in a JVM that has several. */
class SideBySideTest {

  @TempDir Path temp;
  private Path model;

  @BeforeEach
  void unpack() throws IOException {
    model = TinyHome.unpack(temp);
  }

  /** Loads a base model, runs two rounds of two homes, and returns the adapter's tensors. */
  private List<FloatBuffer> run(long number, Quantization quantization) throws Exception {
    Seed seed = new Seed(number);
    InstructionDataset data = SmartHomeData.training(seed, 12, 0, 0, 0);
    try (BaseModel base = BaseModel.load(model, quantization)) {
      List<QloraClient> homes = new ArrayList<>();
      for (InstructionDataset part : Partitioner.iid().split(data, 2, seed).parts()) {
        homes.add(new QloraClient("home-" + homes.size(), base, part));
      }
      Adapter adapter =
          Federation.builder()
              .strategy(Strategy.fedAvg())
              .clients(InProcessClients.of(homes))
              .adapter(Adapter.initial(LoraConfig.attention(4), base.linearLayers(), seed))
              .settings(RunSettings.defaults().withMaxLength(128))
              .training(Training.defaults().toBuilder().epochs(1).build())
              .build()
              .run(2)
              .adapter();
      return IntStream.range(0, adapter.layout().tensors().size())
          .mapToObj(adapter::tensor)
          .toList();
    }
  }

  @Test
  void twoBaseModelsAndRunsHaveTheBitsOfEachAlone() throws Exception {
    List<FloatBuffer> nf4 = run(1, Quantization.NF4);
    List<FloatBuffer> plain = run(2, Quantization.NONE);
    List<Callable<List<FloatBuffer>>> both =
        List.of(() -> run(1, Quantization.NF4), () -> run(2, Quantization.NONE));
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Future<List<FloatBuffer>>> ended = threads.invokeAll(both);
      assertThat(ended.get(0).get()).isEqualTo(nf4);
      assertThat(ended.get(1).get()).isEqualTo(plain).isNotEqualTo(nf4);
    } finally {
      threads.shutdown();
    }
  }
}
