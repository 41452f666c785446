package org.edgefit.federation;

import java.util.Map;

/**
 * A client that can be asked.
 *
 * @param id its id
 * @param properties what it told of itself and its machine
 */
public record ClientInfo(String id, Map<String, String> properties) {

  /** Keeps its own map. */
  public ClientInfo {
    properties = Map.copyOf(properties);
  }
}
