package org.edgefit.strategy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Training;

/**
 * Federated averaging (McMahan et al. 2017) on adapter changes: a sampler chooses the clients, an
 * aggregator combines what they learned, an optimizer applies it. Each part can be exchanged, which
 * makes most other rules. Immutable.
 */
public final class FedAvg implements Strategy {

  private final ClientSampler sampler;
  private final Weighting weighting;
  private final Aggregator aggregator;
  private final ServerOptimizer optimizer;
  private final ClientSampler evaluationSampler;
  private final Function<RoundContext, Map<String, Double>> evaluator;

  private FedAvg(
      ClientSampler sampler,
      Weighting weighting,
      Aggregator aggregator,
      ServerOptimizer optimizer,
      ClientSampler evaluationSampler,
      Function<RoundContext, Map<String, Double>> evaluator) {
    this.sampler = sampler;
    this.weighting = weighting;
    this.aggregator = aggregator;
    this.optimizer = optimizer;
    this.evaluationSampler = evaluationSampler;
    this.evaluator = evaluator;
  }

  static FedAvg overAllClients() {
    return new FedAvg(
        ClientSampler.all(),
        Weighting.EXAMPLES,
        Aggregator.mean(),
        ServerOptimizer.add(),
        (available, seed) -> List.of(),
        context -> Map.of());
  }

  /** Returns this rule over {@code count} clients drawn anew in each round. */
  public FedAvg clientsPerRound(int count) {
    return sampler(ClientSampler.uniform(count));
  }

  /** Returns this rule with another choice of clients. */
  public FedAvg sampler(ClientSampler newSampler) {
    return new FedAvg(newSampler, weighting, aggregator, optimizer, evaluationSampler, evaluator);
  }

  /** Returns this rule with other weights. */
  public FedAvg weighting(Weighting newWeighting) {
    return new FedAvg(sampler, newWeighting, aggregator, optimizer, evaluationSampler, evaluator);
  }

  /** Returns this rule with another way to combine the clients' changes. */
  public FedAvg aggregator(Aggregator newAggregator) {
    return new FedAvg(sampler, weighting, newAggregator, optimizer, evaluationSampler, evaluator);
  }

  /** Returns this rule with another way to apply the combined change. */
  public FedAvg optimizer(ServerOptimizer newOptimizer) {
    return new FedAvg(sampler, weighting, aggregator, newOptimizer, evaluationSampler, evaluator);
  }

  /** Returns this rule with {@code count} clients drawn in each round to evaluate the result. */
  public FedAvg evaluateClients(int count) {
    ClientSampler uniform = ClientSampler.uniform(count);
    return new FedAvg(
        sampler,
        weighting,
        aggregator,
        optimizer,
        (available, seed) -> uniform.sample(available, seed.split("evaluate")),
        evaluator);
  }

  /** Returns this rule with an evaluation at the server after each round, and before the first. */
  public FedAvg evaluator(Function<RoundContext, Map<String, Double>> newEvaluator) {
    return new FedAvg(sampler, weighting, aggregator, optimizer, evaluationSampler, newEvaluator);
  }

  @Override
  public Map<String, Training> configureFit(RoundContext context) {
    Map<String, Training> plan = new LinkedHashMap<>();
    for (String client : sampler.sample(context.available(), context.seed())) {
      plan.put(client, context.training());
    }
    return plan;
  }

  @Override
  public Optional<Adapter> aggregateFit(RoundContext context, List<FitOutcome> outcomes) {
    List<Update> updates = new ArrayList<>();
    for (FitOutcome outcome : outcomes) {
      if (outcome instanceof FitOutcome.Trained trained) {
        updates.add(new Update(trained.clientId(), weighting.of(trained), trained.delta()));
      }
    }
    if (updates.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(optimizer.step(context.adapter(), aggregator.combine(updates)));
  }

  @Override
  public List<String> configureEvaluate(RoundContext context) {
    return evaluationSampler.sample(context.available(), context.seed());
  }

  @Override
  public Map<String, Double> evaluate(RoundContext context) {
    return evaluator.apply(context);
  }
}
