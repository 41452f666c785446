package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/**
 * One client's change with its weight.
 *
 * @param clientId the client's id
 * @param weight the weight in an average, > 0
 * @param delta the change
 */
public record Update(String clientId, double weight, AdapterDelta delta) {

  /** Checks the weight. */
  public Update {
    if (!(weight > 0) || Double.isInfinite(weight)) {
      throw new IllegalArgumentException(
          clientId + ": weight " + weight + " (expected: a number > 0)");
    }
  }
}
