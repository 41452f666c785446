package org.edgefit.strategy;

import java.util.Map;

/**
 * What one client measured, all of it finite.
 *
 * @param clientId the client's id
 * @param examples the records that it measured on, >= 1
 * @param metrics the measures by name
 */
public record ClientMetrics(String clientId, long examples, Map<String, Double> metrics) {}
