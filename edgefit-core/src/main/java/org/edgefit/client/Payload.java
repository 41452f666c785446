package org.edgefit.client;

import org.edgefit.adapter.NamedTensors;

/**
 * Data that a strategy sends along with the adapter.
 *
 * @param tensors named tensors
 * @param config named values
 */
public record Payload(NamedTensors tensors, Config config) {

  private static final Payload NONE = new Payload(NamedTensors.none(), Config.none());

  /** Returns an empty payload. */
  public static Payload none() {
    return NONE;
  }
}
