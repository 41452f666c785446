package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.format.safetensors.TensorFile;
import org.edgefit.random.Seed;
import org.edgefit.run.Outcome;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  // ---- clients, and what they keep

  private Federation.Builder federation(InProcessClients clients) {
    return Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(clients)
        .adapter(FakeClient.start())
        .runDirectory(temp.resolve("run"));
  }

  @Test
  void idThatComesTwiceIsRefused() {
    assertThatThrownBy(
            () ->
                InProcessClients.of(
                    List.of(FakeClient.adding("a", 1, 1), FakeClient.adding("a", 2, 2))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("client id: a comes twice");
    assertThatThrownBy(
            () ->
                InProcessClients.lazily(List.of("a", "b", "a"), id -> FakeClient.adding(id, 1, 1)))
        .hasMessage("client id: a comes twice");
  }

  @Test
  void atLeastOneClientIsAtWork() {
    InProcessClients clients = InProcessClients.of(List.of());
    for (int count : new int[] {0, -4}) {
      assertThatThrownBy(() -> clients.parallel(count))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("parallelism: " + count + " (expected: >= 1)");
    }
  }

  @Test
  void poolHasThoseClientsAloneThatItWasMadeOf() {
    InProcessClients two =
        InProcessClients.of(List.of(FakeClient.adding("a", 1, 1), FakeClient.adding("b", 1, 1)));
    assertThat(two.canGrow()).isFalse();
    assertThat(two.await(2, Duration.ZERO)).isTrue();
    assertThat(two.await(3, Duration.ofDays(1))).isFalse(); // at once, as none can come
  }

  /** A client that says something of itself, and counts how often it is asked that. */
  private record Described(String id, AtomicInteger times) implements FederatedClient {
    @Override
    public Map<String, String> description() {
      times.incrementAndGet();
      return Map.of("os", "Linux");
    }

    @Override
    public FitResult fit(FitInstruction asked) {
      return new FitResult(FakeClient.constant(asked.adapter().layout(), 1), 1, 1, Map.of());
    }
  }

  @Test
  void clientsSayOnceWhatTheyAreUnlessTheyAreYetToBeMade() {
    AtomicInteger times = new AtomicInteger();
    InProcessClients made = InProcessClients.of(List.of(new Described("a", times)));
    assertThat(made.available()).containsExactly(new ClientInfo("a", Map.of("os", "Linux")));
    assertThat(made.available()).isEqualTo(made.available());
    assertThat(times).hasValue(1);
    InProcessClients lazy =
        InProcessClients.lazily(List.of("b", "a"), id -> new Described(id, times));
    assertThat(lazy.parallel(2).available())
        .containsExactly(new ClientInfo("a", Map.of()), new ClientInfo("b", Map.of()));
    assertThat(times).hasValue(1);
  }

  @ParameterizedTest(name = "{0} at a time")
  @ValueSource(ints = {1, 2, 3})
  void soManyClientsAreAtWorkAtATimeAndNoMore(int parallel) throws Exception {
    AtomicInteger atWork = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CyclicBarrier full = new CyclicBarrier(parallel); // which only opens where so many are at work
    List<FakeClient> clients = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      clients.add(
          new FakeClient(
              "home-" + i,
              asked -> {
                most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
                try {
                  full.await(20, TimeUnit.SECONDS);
                } catch (BrokenBarrierException | TimeoutException e) {
                  throw new IOException("fewer were at work", e);
                } finally {
                  atWork.decrementAndGet();
                }
                return FakeClient.adding("x", 1, 1).fit(asked);
              }));
    }
    RunResult result = federation(InProcessClients.of(clients).parallel(parallel)).build().run(1);
    assertThat(result.history().last().trained()).isEqualTo(6);
    assertThat(most).hasValue(parallel);
  }

  @Test
  void clientFindsInItsNextTaskWhatItLeftInTheLastThatCounted() throws Exception {
    List<Float> found = Collections.synchronizedList(new ArrayList<>());
    FakeClient counting =
        new FakeClient(
            "a",
            asked -> {
              float kept = asked.memory().isEmpty() ? 0 : asked.memory().tensor("n").get(0);
              found.add(kept);
              FitResult result =
                  new FitResult(
                      FakeClient.constant(asked.adapter().layout(), 1),
                      asked.round() == 2 ? 0 : 1, // which is rejected in round 2
                      1,
                      Map.of());
              return asked.round() == 4
                  ? result // and keeps nothing new in round 4
                  : result.withMemory(
                      NamedTensors.none()
                          .with("n", List.of(1), FloatBuffer.wrap(new float[] {kept + 1})));
            },
            asked -> {
              found.add(100 + asked.memory().tensor("n").get(0));
              return new EvaluateResult(1, Map.of());
            });
    federation(InProcessClients.of(List.of(counting)))
        .strategy(Strategy.fedAvg().evaluateClients(1))
        .rollbackRounds(1)
        .build()
        .run(5);
    assertThat(found).containsExactly(0f, 101f, 1f, 101f, 1f, 102f, 2f, 102f, 2f, 103f);
    Path folder = temp.resolve("run/clients/a");
    try (Stream<Path> files = Files.list(folder)) { // no rejected version, and none too old
      assertThat(files)
          .containsExactlyInAnyOrder(
              folder.resolve("5.safetensors"), folder.resolve("9.safetensors"));
    }
  }

  @Test
  void memoryThatIsGoneIsTheClientsFailure() throws Exception {
    FakeClient keeping =
        new FakeClient(
            "a",
            asked -> {
              FitResult result = FakeClient.adding("a", 1, 1).fit(asked);
              return result.withMemory(
                  NamedTensors.none().with("n", List.of(1), FloatBuffer.wrap(new float[] {1})));
            });
    RunListener deleting =
        event -> {
          if (event instanceof RunEvent.RoundClosed closed && closed.summary().round() == 1) {
            try {
              Files.delete(temp.resolve("run/clients/a/1.safetensors"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    RunResult result =
        federation(InProcessClients.of(List.of(keeping))).listener(deleting).build().run(2);
    assertThat(result.history().last().clients().get(0).detail())
        .startsWith("memory of task 1: missing (expected: one of [];");
  }

  @Test
  void tensorsOfAnEvaluationReachTheRunDirectory() throws Exception {
    FakeClient measuring =
        new FakeClient(
            "a",
            FakeClient.adding("a", 1, 1)::fit,
            asked ->
                new EvaluateResult(
                    2,
                    Map.of("f1", 0.5),
                    NamedTensors.none()
                        .with("hits", List.of(2), FloatBuffer.wrap(new float[] {3, 4}))));
    RunResult result =
        federation(InProcessClients.of(List.of(measuring)))
            .strategy(Strategy.fedAvg().evaluateClients(1))
            .build()
            .run(1);
    Outcome outcome = result.history().last().evaluations().get(0);
    assertThat(outcome.name()).isEqualTo("evaluated");
    Path file = temp.resolve("run/rounds/0001/evaluations/a.safetensors");
    assertThat(outcome.bytes()).isEqualTo(Files.size(file));
    assertThat(TensorFile.copy(file).tensor("extra/hits").get(1)).isEqualTo(4);
    long adapters =
        Files.size(temp.resolve("run/rounds/0000/adapter/adapter_model.safetensors"))
            + Files.size(temp.resolve("run/rounds/0001/adapter/adapter_model.safetensors"));
    assertThat(result.history().last().bytesDown()).isEqualTo(adapters); // fetched for each task
  }

  @Test
  void evaluationThatIsNullIsAFailure() throws Exception {
    FakeClient nothing = new FakeClient("a", FakeClient.adding("a", 1, 1)::fit, asked -> null);
    RunResult result =
        federation(InProcessClients.of(List.of(nothing)))
            .strategy(Strategy.fedAvg().evaluateClients(1))
            .build()
            .run(1);
    assertThat(result.history().last().evaluations().get(0).detail())
        .isEqualTo("a: answered null (expected: a result)");
  }
}
