package org.edgefit.strategy;

import java.util.List;

/**
 * Buffered asynchronous aggregation (FedBuff, Nguyen et al. 2022, algorithm 1): no client waits for
 * another.
 *
 * <pre>
 * s(tau)  = 1 / sqrt(1 + tau)                         tau = x's version now - that of the start
 * x_{t+1} = x_t + eta_g / K sum_{i in buffer} s(tau_i) delta_i
 * </pre>
 *
 * <p>Up to {@code concurrency} clients are at work; each that answers makes room for another, which
 * starts from the newest adapter. A round closes with every K-th usable answer, and those at work
 * go on. Updates in the buffer are summed in client-id order; which of them are in it follows from
 * the order of their arrival, which the run's log keeps.
 */
final class FedBuff extends ForwardingStrategy {

  private final int concurrency;
  private final int buffer;
  private final double learningRate;

  FedBuff(Strategy evaluation, int concurrency, int buffer, double learningRate) {
    super(evaluation);
    Ranges.requireCount("concurrency", concurrency);
    Ranges.requireCount("buffer", buffer);
    Ranges.requirePositive("learning rate", learningRate);
    this.concurrency = concurrency;
    this.buffer = buffer;
    this.learningRate = learningRate;
  }

  @Override
  public Needs needs() {
    return Needs.SUM;
  }

  @Override
  public RoundPlan configureFit(RoundContext round) {
    List<String> next = Samplers.shuffled(round);
    return RoundPlan.of(next, round.assignment())
        .withConcurrency(concurrency)
        .withCloseAfter(buffer)
        .carryingOver();
  }

  @Override
  public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
    int version = round.round() - 1;
    UpdateSet discounted =
        updates.weighted(update -> 1 / Math.sqrt(1.0 + version - update.startRound()));
    return round.state().plus(discounted.weightedSum(buffer), learningRate);
  }
}
