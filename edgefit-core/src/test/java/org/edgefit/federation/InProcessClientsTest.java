package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.edgefit.client.FederatedClient;
import org.edgefit.random.Seed;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;

class InProcessClientsTest extends ClientPoolContract {

  @Override
  protected ClientPool pool(List<? extends FederatedClient> clients) {
    return InProcessClients.of(clients).parallel(3);
  }

  @Test
  void lazyClientsAreMadeWhenTheyAreAsked() throws Exception {
    List<String> ids = IntStream.range(0, 10_000).mapToObj(i -> "home-" + i).toList();
    List<String> made = Collections.synchronizedList(new ArrayList<>());
    RunResult result =
        Federation.builder()
            .strategy(Strategy.fedAvg().clientsPerRound(4))
            .clients(
                InProcessClients.lazily(
                    ids,
                    id -> {
                      made.add(id);
                      return FakeClient.adding(id, 1, 1);
                    }))
            .adapter(FakeClient.start())
            .seed(new Seed(3))
            .build()
            .run(2);
    assertThat(result.history().last().trained()).isEqualTo(4);
    assertThat(made).hasSize(8);
  }
}
