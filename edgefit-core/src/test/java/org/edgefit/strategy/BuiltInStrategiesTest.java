package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.RandomValues;
import org.junit.jupiter.api.Nested;

/** The contract of strategies, for those that are built in. */
class BuiltInStrategiesTest {

  private static Strategy named(String text) {
    return Strategies.found(BuiltInStrategiesTest.class.getClassLoader())
        .create(text, Strategy.fedAvg());
  }

  @Nested
  class Averaging extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return Strategy.fedAvg().clientsPerRound(3).evaluateClients(2);
    }
  }

  @Nested
  class ServerMomentum extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return named("fedavgm:eta=0.5,beta=0.8");
    }
  }

  @Nested
  class Proximal extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return named("fedprox:mu=0.1");
    }
  }

  @Nested
  class ControlVariates extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return named("scaffold:eta=0.7");
    }

    @Override
    protected NamedTensors sent(AdapterLayout layout, long seed) {
      return NamedTensors.none()
          .with("control", AdapterDelta.of(layout, RandomValues.of(layout, seed + 500)));
    }
  }

  @Nested
  class Buffered extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return named("fedbuff:concurrency=4,buffer=2,eta=0.5");
    }
  }

  @Nested
  class CoordinateMedian extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return Strategy.fedAvg()
          .aggregator(
              (round, updates) ->
                  updates.coordinatewiseSorted(values -> values[(values.length - 1) / 2]));
    }
  }

  @Nested
  class PowerOfChoiceSampling extends StrategyContract {
    @Override
    protected Strategy strategy() {
      return Strategy.fedAvg().sampler(ClientSampler.powerOfChoice(4, 2));
    }
  }
}
