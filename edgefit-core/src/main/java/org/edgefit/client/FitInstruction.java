package org.edgefit.client;

import org.edgefit.adapter.Adapter;
import org.edgefit.random.Seed;

/**
 * What a client is asked to train in a round.
 *
 * @param round the round, from 1
 * @param rounds the rounds of the run, for schedules that span it
 * @param adapter the global adapter that training starts from
 * @param training the settings
 * @param seed this client's randomness in this round
 */
public record FitInstruction(
    int round, int rounds, Adapter adapter, Training training, Seed seed) {}
