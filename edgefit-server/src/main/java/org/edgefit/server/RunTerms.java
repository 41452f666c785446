package org.edgefit.server;

import java.time.Duration;
import org.edgefit.client.RunSettings;
import org.jspecify.annotations.Nullable;

/**
 * The run settings that a server sends to clients, and its timeouts.
 *
 * @param runId the run's id, as its directory has it
 * @param baseModelHash the content hash of the base model; null for the first client's
 * @param settings the run's settings
 * @param rejoinGrace how long a client with a task may be disconnected, also after a server restart
 * @param idleLimit the idle timeout of an upload
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
