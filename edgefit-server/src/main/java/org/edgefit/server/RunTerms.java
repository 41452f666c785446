package org.edgefit.server;

import java.time.Duration;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Training;
import org.jspecify.annotations.Nullable;

/**
 * What every client of a run has to accept.
 *
 * @param runId the run's name
 * @param baseModelHash the content hash of the base model; null to take that of the first client
 * @param lora the adapter's config
 * @param layout the adapter's tensors
 * @param training the run's settings
 * @param rejoinGrace how long a client that was lost in a round may take to come back
 */
public record RunTerms(
    String runId,
    @Nullable String baseModelHash,
    LoraConfig lora,
    AdapterLayout layout,
    Training training,
    Duration rejoinGrace) {}
