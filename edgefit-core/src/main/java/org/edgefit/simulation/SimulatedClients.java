package org.edgefit.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.EvaluateRequest;
import org.edgefit.federation.FitRequest;
import org.edgefit.simulation.RoundTimeline.Kind;
import org.edgefit.strategy.EvaluateOutcome;
import org.edgefit.strategy.FitOutcome;

/**
 * Clients of which those that leave a round on the virtual clock, or come too late, do not train in
 * it; while none does, a run's numbers are those that it has without the clock.
 */
public final class SimulatedClients implements ClientPool {

  private final ClientPool clients;
  private final VirtualClock clock;

  /** Puts clients on a clock, which must know each of them. */
  public SimulatedClients(ClientPool clients, VirtualClock clock) {
    this.clients = clients;
    this.clock = clock;
  }

  @Override
  public List<String> available() {
    return clients.available();
  }

  @Override
  public boolean await(int minimum, Duration timeout) throws InterruptedException {
    return clients.await(minimum, timeout);
  }

  @Override
  public Map<String, String> description(String clientId) {
    return clients.description(clientId);
  }

  @Override
  public List<FitOutcome> fit(FitRequest request) throws InterruptedException {
    RoundTimeline timeline = clock.round(request.round(), request.instructions().keySet());
    List<FitOutcome> outcomes = new ArrayList<>();
    for (String client : timeline.clients(Kind.DROPPED)) {
      outcomes.add(
          new FitOutcome.Failed(
              client,
              String.format(
                  Locale.ROOT,
                  "dropped out after %.1f s of virtual time",
                  timeline.time(client, Kind.DROPPED))));
    }
    for (String client : timeline.clients(Kind.LATE)) {
      outcomes.add(
          new FitOutcome.TimedOut(
              client, Duration.ofMillis(Math.round(clock.deadlineSeconds() * 1000))));
    }
    outcomes.forEach(request.finished());
    TreeSet<String> left = new TreeSet<>(timeline.clients(Kind.ANSWERED));
    if (!left.isEmpty()) {
      outcomes.addAll(clients.fit(request.of(left)));
    }
    return outcomes;
  }

  @Override
  public List<EvaluateOutcome> evaluate(EvaluateRequest request) throws InterruptedException {
    return clients.evaluate(request);
  }
}
