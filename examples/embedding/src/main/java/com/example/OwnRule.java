package com.example;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.Partitioner;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;

/** Trains in process with a rule of its own: half of each round's mean change is applied. */
public final class OwnRule {
  public static void main(String[] args) throws Exception {
    Seed seed = new Seed(1);
    InstructionDataset data = InstructionDataset.jsonl(Path.of(args[1]));
    try (BaseModel base = BaseModel.load(Path.of(args[0]), Quantization.NF4)) {
      List<QloraClient> homes = new ArrayList<>();
      for (InstructionDataset part : Partitioner.dirichlet(0.5).split(data, 3, seed).parts()) {
        homes.add(new QloraClient("home-" + homes.size(), base, part));
      }
      Federation.builder()
          .strategy(
              Strategy.fedAvg()
                  .clientsPerRound(2)
                  .optimizer(
                      (round, mean) -> round.state().plus(mean, 0.5)))
          .clients(InProcessClients.of(homes))
          .adapter(Adapter.initial(LoraConfig.attention(8), base.linearLayers(), seed))
          .listener(RunListener.console())
          .build()
          .run(2);
    }
  }
}
