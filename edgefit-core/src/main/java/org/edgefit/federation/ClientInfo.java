package org.edgefit.federation;

import java.util.Map;

/**
 * An available client.
 *
 * @param id its id
 * @param properties the properties that it reported
 */
public record ClientInfo(String id, Map<String, String> properties) {

  /** Copies the map. */
  public ClientInfo {
    properties = Map.copyOf(properties);
  }
}
