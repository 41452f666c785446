package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;

/**
 * SCAFFOLD (Karimireddy et al. 2020, algorithm 1): control variates correct the drift of clients
 * whose data differ.
 *
 * <pre>
 * x &lt;- x + eta_g / |S| sum_{i in S} (y_i - x)
 * c &lt;- c + 1 / N       sum_{i in S} (c_i+ - c_i)
 * </pre>
 *
 * <p>S are the round's clients, N those that were available when it was opened; c is the state's
 * group {@code control}, and goes to each client with the adapter. A client keeps c_i in its memory
 * and sends c_i+ - c_i beside its change (its part, option II, is the local rule {@code scaffold}).
 * All clients have equal weight.
 */
final class Scaffold extends ForwardingStrategy {

  private static final String RULE = "scaffold";
  private static final String CONTROL = "control";

  private final FedAvg clients;
  private final double learningRate;

  /**
   * Makes the rule.
   *
   * @param clients who takes part, and how they are evaluated
   * @param learningRate the server's learning rate eta_g, > 0
   */
  Scaffold(FedAvg clients, double learningRate) {
    super(clients.weighting(Weighting.uniform()));
    Ranges.requirePositive("learning rate", learningRate);
    this.clients = clients.weighting(Weighting.uniform());
    this.learningRate = learningRate;
  }

  @Override
  public RoundPlan configureFit(RoundContext round) {
    NamedTensors control = NamedTensors.none().with(CONTROL, round.state().kept(CONTROL));
    return clients
        .assignments(
            (context, client, plain) ->
                plain.withRule(RULE).withTensors(control).expecting(CONTROL))
        .configureFit(round);
  }

  @Override
  public ServerState aggregateFit(RoundContext round, UpdateSet updates) {
    AdapterLayout layout = round.adapter().layout();
    AdapterDelta mean = updates.weighted(update -> 1).weightedMean();
    double share = 1.0 / Math.max(1, round.available().size());
    AdapterDelta control = plusAll(round.state().kept(CONTROL), updates, layout, share);
    return round.state().plus(mean, learningRate).with(CONTROL, control);
  }

  /** Returns {@code c + share sum_i dc_i}, summed in double in client-id order, rounded once. */
  private static AdapterDelta plusAll(
      AdapterDelta control, UpdateSet updates, AdapterLayout layout, double share) {
    List<double[]> sums = new ArrayList<>();
    for (int t = 0; t < layout.tensors().size(); t++) {
      FloatBuffer start = control.tensor(t);
      double[] sum = new double[start.capacity()];
      for (int i = 0; i < sum.length; i++) {
        sum[i] = start.get(i);
      }
      sums.add(sum);
    }
    for (Update update : updates) {
      AdapterDelta change = update.tensors().delta(CONTROL, layout);
      for (int t = 0; t < sums.size(); t++) {
        FloatBuffer values = change.tensor(t);
        double[] sum = sums.get(t);
        for (int i = 0; i < sum.length; i++) {
          sum[i] += share * values.get(i);
        }
      }
    }
    List<FloatBuffer> rounded = new ArrayList<>();
    for (double[] sum : sums) {
      FloatBuffer values = FloatBuffer.allocate(sum.length);
      for (double value : sum) {
        values.put((float) value);
      }
      rounded.add(values.flip());
    }
    return AdapterDelta.of(layout, rounded);
  }
}
