package org.edgefit.strategy;

import java.util.Iterator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;

/**
 * The usable updates of a round, at least one, valid during aggregation: tensors are streamed from
 * their files, so that memory does not grow with the number of clients.
 */
public interface UpdateSet extends Iterable<Update> {

  /** Returns updates as a set, for tests of one's own rules. */
  static UpdateSet of(List<? extends Update> updates) {
    return new Updates(updates);
  }

  /** Returns the number of updates, >= 1. */
  int size();

  /** Iterates over the updates in client-id order. */
  @Override
  Iterator<Update> iterator();

  /**
   * Returns the layout that all of them have.
   *
   * @throws IllegalArgumentException naming the client and the first tensor that differs
   */
  AdapterLayout layout();

  /**
   * Returns these updates with other weights.
   *
   * @throws IllegalArgumentException naming the client whose weight is not a number > 0
   */
  UpdateSet weighted(ToDoubleFunction<Update> weight);

  /**
   * Returns {@code sum_k w_k delta_k / divisor}, with w the updates' weights: summed in double in
   * client-id order, and rounded to float32 once.
   */
  AdapterDelta weightedSum(double divisor);

  /** Returns the weighted mean of the deltas, computed as {@link #weightedSum}. */
  AdapterDelta weightedMean();

  /**
   * Returns a delta computed coordinate-wise from the clients' values.
   *
   * @param rule what is made of them
   */
  AdapterDelta coordinatewise(Coordinate rule);

  /**
   * Returns a delta computed coordinate-wise from the clients' sorted values, for medians, trimmed
   * means and the like; far faster than a rule that sorts.
   *
   * @param rule what is made of them
   */
  AdapterDelta coordinatewiseSorted(Coordinate rule);

  /** Combines the clients' values of one coordinate. */
  @FunctionalInterface
  interface Coordinate {

    /**
     * Returns the combined value.
     *
     * @param values the clients' values, in client-id order or sorted; may be changed
     */
    double combine(double[] values);
  }
}
