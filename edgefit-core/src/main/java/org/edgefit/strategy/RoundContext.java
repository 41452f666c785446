package org.edgefit.strategy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.Payload;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.random.Seed;
import org.edgefit.run.History;

/** The context of a round for a strategy and its parts. */
public final class RoundContext {

  private final int round;
  private final int rounds;
  private final ServerState state;
  private final Map<String, Map<String, String>> clients;
  private final Set<String> busy;
  private final RunSettings run;
  private final Training training;
  private final History history;
  private final Seed seed;
  private final Consumer<String> notes;

  /**
   * Makes a context.
   *
   * @param round the round, from 1; 0 is the state before the first
   * @param rounds the rounds of the run
   * @param state what the strategy knows
   * @param clients what is known of each client that can be asked, by id
   * @param busy the clients still on a task of an earlier round
   * @param run the run's settings
   * @param training how clients learn, unless an assignment says otherwise
   * @param history the rounds so far
   * @param seed the round's randomness
   * @param notes is told what is capped or dropped
   */
  public RoundContext(
      int round,
      int rounds,
      ServerState state,
      Map<String, Map<String, String>> clients,
      Set<String> busy,
      RunSettings run,
      Training training,
      History history,
      Seed seed,
      Consumer<String> notes) {
    this.round = round;
    this.rounds = rounds;
    this.state = state;
    this.clients = new TreeMap<>(clients);
    this.busy = new TreeSet<>(busy);
    this.run = run;
    this.training = training;
    this.history = history;
    this.seed = seed;
    this.notes = notes;
  }

  /** Returns the round, from 1; 0 is the state before the first. */
  public int round() {
    return round;
  }

  /** Returns the rounds of the run. */
  public int rounds() {
    return rounds;
  }

  /** Returns the global adapter. */
  public Adapter adapter() {
    return state.adapter();
  }

  /** Returns the strategy's state, including the global adapter. */
  public ServerState state() {
    return state;
  }

  /** Returns the ids of the clients that can be asked and are not at work already, sorted. */
  public List<String> available() {
    return clients.keySet().stream().filter(client -> !busy.contains(client)).toList();
  }

  /** Returns the ids of the clients that are at work on a task of an earlier round, sorted. */
  public List<String> busy() {
    return List.copyOf(busy);
  }

  /** Returns the properties a client reported on joining; empty if it is gone. */
  public Map<String, String> properties(String clientId) {
    return clients.getOrDefault(clientId, Map.of());
  }

  /** Returns a client's metrics from its last accepted training; empty if there is none. */
  public Map<String, Double> lastMetrics(String clientId) {
    return history.lastMetrics(clientId);
  }

  /**
   * Returns the rounds so far, the last of which is the one before this, or this once it is over.
   */
  public History history() {
    return history;
  }

  /** Returns the run's settings. */
  public RunSettings run() {
    return run;
  }

  /** Returns how clients learn, unless an assignment says otherwise. */
  public Training training() {
    return training;
  }

  /** Returns the round's randomness; split it by a name of your own. */
  public Seed seed() {
    return seed;
  }

  /** Returns this context with the randomness of the stream called {@code name}. */
  public RoundContext split(String name) {
    return new RoundContext(
        round, rounds, state, clients, busy, run, training, history, seed.split(name), notes);
  }

  /** Returns this context with those clients alone that do not say that they cannot evaluate. */
  RoundContext amongEvaluators() {
    Map<String, Map<String, String>> evaluators = new TreeMap<>(clients);
    evaluators
        .values()
        .removeIf(properties -> "0".equals(properties.get(FederatedClient.EVALUATION_RECORDS)));
    return new RoundContext(
        round, rounds, state, evaluators, busy, run, training, history, seed, notes);
  }

  /** Returns the plain assignment: the global adapter, and the run's training. */
  public Assignment assignment() {
    return new Assignment(adapter(), training, Payload.none(), List.of());
  }

  /** Records what was capped or dropped in this round. */
  public void note(String text) {
    notes.accept(text);
  }
}
