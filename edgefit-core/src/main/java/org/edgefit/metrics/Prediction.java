package org.edgefit.metrics;

import org.jspecify.annotations.Nullable;

/**
 * A classified case.
 *
 * @param truth its class
 * @param predicted the class that it was given; null for an answer that is none of the classes
 */
public record Prediction(String truth, @Nullable String predicted) {}
