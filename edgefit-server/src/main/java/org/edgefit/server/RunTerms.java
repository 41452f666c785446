package org.edgefit.server;

import java.time.Duration;
import org.edgefit.client.RunSettings;
import org.jspecify.annotations.Nullable;

/**
 * What every client of a run has to accept, and how long the server waits for it.
 *
 * @param runId the run's id, as its directory has it
 * @param baseModelHash the content hash of the base model; null to take that of the first client
 * @param settings the run's settings
 * @param rejoinGrace how long a client that is asked may be away: it was lost, or has yet to come
 *     back to a server that was started again
 * @param idleLimit how long an upload may bring nothing
 */
public record RunTerms(
    String runId,
    @Nullable String baseModelHash,
    RunSettings settings,
    Duration rejoinGrace,
    Duration idleLimit) {

  private static final Duration IDLE_LIMIT = Duration.ofSeconds(60);

  /** Makes terms with an idle limit of a minute. */
  public RunTerms(
      String runId, @Nullable String baseModelHash, RunSettings settings, Duration rejoinGrace) {
    this(runId, baseModelHash, settings, rejoinGrace, IDLE_LIMIT);
  }
}
