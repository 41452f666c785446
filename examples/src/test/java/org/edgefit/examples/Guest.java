package org.edgefit.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.Evaluator;
import org.edgefit.client.qlora.QloraClient;
import org.edgefit.data.InstructionDataset;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;

/**
 * What a host asks of EdgeFIT: a round of training, after which all that is the host's is as
 * before.
 */
public final class Guest {

  private Guest() {}

  /** Trains a home for a round with a model. */
  public static void run(Path model) throws IOException, InterruptedException {
    Map<String, Object> before = host();
    Seed seed = new Seed(7);
    InstructionDataset data = SmartHomeData.training(seed, 8, 0, 0, 0);
    try (BaseModel base = BaseModel.load(model, Quantization.NF4)) {
      Adapter adapter =
          Federation.builder()
              .strategy(Strategy.fedAvg())
              .clients(InProcessClients.of(List.of(new QloraClient("home", base, data))))
              .adapter(Adapter.initial(LoraConfig.attention(4), base.linearLayers(), seed))
              .training(Training.defaults().toBuilder().epochs(1).build())
              .build()
              .run(1)
              .adapter();
      try (Evaluator evaluator = new Evaluator(base, adapter)) {
        double loss =
            evaluator
                .evaluate(data, SmartHomeData.LABELS, RunSettings.defaults(), (done, of) -> {})
                .loss();
        System.out.printf(Locale.ROOT, "loss %.4f%n", loss);
      }
    }
    Map<String, Object> after = host();
    after.entrySet().removeAll(before.entrySet());
    if (!after.isEmpty()) {
      throw new IllegalStateException("changed for the host: " + after);
    }
  }

  private static Map<String, Object> host() {
    Map<String, Object> host = new TreeMap<>();
    host.put("time zone", TimeZone.getDefault()); // whose first call sets a property
    System.getProperties().forEach((key, value) -> host.put("property " + key, value));
    host.keySet()
        .removeIf(key -> key.matches("property jn(a|idispatch)\\..*")); // JNA's notes to itself
    host.put("context class loader", "" + Thread.currentThread().getContextClassLoader());
    host.put("locale", Locale.getDefault());
    host.put("standard output", System.out);
    host.put("standard error", System.err);
    return host;
  }
}
