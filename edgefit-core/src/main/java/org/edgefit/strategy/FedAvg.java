package org.edgefit.strategy;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.edgefit.adapter.AdapterDelta;

/**
 * Federated averaging (McMahan et al. 2017) on adapter changes: a sampler selects clients, an
 * aggregator combines their deltas, an optimizer applies the result. Most other strategies replace
 * one of these parts. Immutable.
 */
public final class FedAvg implements Strategy {

  private ClientSampler sampler = ClientSampler.all();
  private AssignmentRule assignments = AssignmentRule.plain();
  private Weighting weighting = Weighting.examples();
  private Aggregator aggregator = Aggregator.mean();
  private ServerOptimizer optimizer = ServerOptimizer.add();
  private MetricsAggregation metrics = MetricsAggregation.meanByExamples();
  private ClientSampler evaluationSampler = ClientSampler.none();
  private AssignmentRule evaluationAssignments = AssignmentRule.plain();
  private MetricsAggregation evaluationMetrics = MetricsAggregation.meanByExamples();
  private ServerEvaluator evaluator = ServerEvaluator.none();
  private StopCondition stop = StopCondition.never();

  private FedAvg() {}

  private FedAvg(FedAvg from) {
    sampler = from.sampler;
    assignments = from.assignments;
    weighting = from.weighting;
    aggregator = from.aggregator;
    optimizer = from.optimizer;
    metrics = from.metrics;
    evaluationSampler = from.evaluationSampler;
    evaluationAssignments = from.evaluationAssignments;
    evaluationMetrics = from.evaluationMetrics;
    evaluator = from.evaluator;
    stop = from.stop;
  }

  static FedAvg overAllClients() {
    return new FedAvg();
  }

  /** Returns a copy that is changed once, before anyone else sees it. */
  private FedAvg with(Consumer<FedAvg> change) {
    FedAvg copy = new FedAvg(this);
    change.accept(copy);
    return copy;
  }

  /** Returns this rule over {@code count} clients drawn anew in each round. */
  public FedAvg clientsPerRound(int count) {
    return sampler(ClientSampler.uniform(count));
  }

  /** Returns this rule with another sampler. */
  public FedAvg sampler(ClientSampler value) {
    return with(copy -> copy.sampler = value);
  }

  /** Returns this rule with other assignments for the clients that train. */
  public FedAvg assignments(AssignmentRule value) {
    return with(copy -> copy.assignments = value);
  }

  /** Returns this rule with other weights. */
  public FedAvg weighting(Weighting value) {
    return with(copy -> copy.weighting = value);
  }

  /** Returns this rule with another way to combine the clients' changes. */
  public FedAvg aggregator(Aggregator value) {
    return with(copy -> copy.aggregator = value);
  }

  /** Returns this rule with another way to apply the combined change. */
  public FedAvg optimizer(ServerOptimizer value) {
    return with(copy -> copy.optimizer = value);
  }

  /** Returns this rule with another way to combine the clients' training metrics. */
  public FedAvg metrics(MetricsAggregation value) {
    return with(copy -> copy.metrics = value);
  }

  /** Returns this rule with another choice of clients that evaluate. */
  public FedAvg evaluationSampler(ClientSampler value) {
    return with(copy -> copy.evaluationSampler = value);
  }

  /** Returns this rule with other assignments for the clients that evaluate. */
  public FedAvg evaluationAssignments(AssignmentRule value) {
    return with(copy -> copy.evaluationAssignments = value);
  }

  /** Returns this rule with another way to combine the clients' evaluations. */
  public FedAvg evaluationMetrics(MetricsAggregation value) {
    return with(copy -> copy.evaluationMetrics = value);
  }

  /** Returns this rule with an evaluation at the server after each round, and before the first. */
  public FedAvg evaluator(ServerEvaluator value) {
    return with(copy -> copy.evaluator = value);
  }

  /** Returns this rule with a condition that ends the run early. */
  public FedAvg stopWhen(StopCondition value) {
    return with(copy -> copy.stop = value);
  }

  /** Returns this rule with {@code count} clients drawn in each round to evaluate the result. */
  public FedAvg evaluateClients(int count) {
    return evaluationSampler(ClientSampler.uniform(count));
  }

  /** Returns FedProx: this rule with a proximal term in the clients' loss (Li et al. 2020). */
  public FedAvg proximal(double mu) {
    if (!(mu >= 0) || Double.isInfinite(mu)) {
      throw new IllegalArgumentException("mu: " + mu + " (expected: >= 0)");
    }
    return assignments(new AssignmentRule.LocalRule("fedprox", "mu", mu));
  }

  /**
   * Returns SCAFFOLD with the same sampler (Karimireddy et al. 2020); it replaces weights,
   * aggregator and optimizer.
   *
   * @param learningRate the server's learning rate, > 0
   */
  public Strategy scaffold(double learningRate) {
    return new Scaffold(this, learningRate);
  }

  /**
   * Returns FedBuff, buffered asynchronous FL (Nguyen et al. 2022); it replaces sampler, weights,
   * aggregator and optimizer.
   *
   * @param concurrency the clients running at a time, >= 1
   * @param buffer the buffer size K, >= 1
   * @param learningRate the server's learning rate, > 0
   */
  public Strategy buffered(int concurrency, int buffer, double learningRate) {
    return new FedBuff(this, concurrency, buffer, learningRate);
  }

  @Override
  public Needs needs() {
    return aggregator.needs();
  }

  @Override
  public RoundPlan configureFit(RoundContext round) {
    return plan(round, sampler, assignments);
  }

  private static RoundPlan plan(
      RoundContext round, ClientSampler sampler, AssignmentRule assignments) {
    Map<String, Assignment> plan = new LinkedHashMap<>();
    for (String client : sampler.sample(round)) {
      plan.put(client, assignments.assign(round, client, round.assignment()));
    }
    return RoundPlan.of(plan);
  }

  @Override
  public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
    UpdateSet weighted = updates.weighted(update -> weighting.of(round, update));
    AdapterDelta combined = aggregator.combine(round, weighted);
    if (combined == null) {
      round.note("the aggregator abstained: adapter unchanged");
      return round.state();
    }
    return optimizer.step(round, combined);
  }

  @Override
  public Map<String, Double> aggregateFitMetrics(RoundContext round, List<ClientMetrics> clients) {
    return metrics.combine(round, clients);
  }

  @Override
  public RoundPlan configureEvaluate(RoundContext round) {
    RoundContext evaluation = round.split("evaluate");
    RoundContext evaluators = evaluation.amongEvaluators();
    if (evaluators.available().isEmpty() && !evaluationSampler.sample(evaluation).isEmpty()) {
      round.note("not evaluated: no client has evaluation records");
    }
    return plan(evaluators, evaluationSampler, evaluationAssignments);
  }

  @Override
  public Map<String, Double> aggregateEvaluate(RoundContext round, List<ClientMetrics> clients) {
    return evaluationMetrics.combine(round, clients);
  }

  @Override
  public Map<String, Double> evaluate(RoundContext round) throws IOException, InterruptedException {
    return evaluator.evaluate(round);
  }

  @Override
  public boolean isOver(RoundContext round) {
    return stop.isMet(round);
  }
}
