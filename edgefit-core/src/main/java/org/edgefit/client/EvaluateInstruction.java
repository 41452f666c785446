package org.edgefit.client;

import org.edgefit.adapter.Adapter;

/**
 * What a client is asked to evaluate on its own held-out data.
 *
 * @param round the round, from 1
 * @param adapter the global adapter after that round
 * @param training the settings, for the template and the length
 */
public record EvaluateInstruction(int round, Adapter adapter, Training training) {}
