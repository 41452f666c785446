package org.edgefit.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partitioner;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.random.Seed;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.UpdateSet;

/** A custom strategy: the coordinate-wise median of the clients' deltas (Yin et al. 2018). */
final class OwnStrategy {

  private OwnStrategy() {}

  /** Combines updates by the median of each value. */
  static AdapterDelta median(RoundContext round, UpdateSet updates) {
    return updates.coordinatewiseSorted(
        values -> (values[(values.length - 1) / 2] + values[values.length / 2]) / 2);
  }

  /** Runs two short rounds with it. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Seed seed = new Seed(7);
    InstructionDataset data = SmartHomeData.training(seed, 90, 0, 0, 0);
    try (BaseModel base =
        BaseModel.load(TinyHome.unpack(Files.createTempDirectory("edgefit-")), Quantization.NF4)) {
      List<QloraClient> homes = new ArrayList<>();
      for (InstructionDataset part : Partitioner.iid().split(data, 3, seed).parts()) {
        homes.add(new QloraClient("home-" + homes.size(), base, part));
      }
      Federation.builder()
          .strategy(Strategy.fedAvg().aggregator(OwnStrategy::median))
          .clients(InProcessClients.of(homes))
          .adapter(Adapter.initial(LoraConfig.attention(8), base.linearLayers(), seed))
          .training(Training.defaults().toBuilder().epochs(1).learningRate(2e-3).build())
          .listener(RunListener.console())
          .build()
          .run(2);
    }
  }
}
