package org.edgefit.strategy;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Who is asked what in a round, and when the round is over.
 *
 * @param assignments by client id, in the order in which they are asked
 * @param concurrency the most clients at work at a time; those beyond wait for one to answer
 * @param closeAfter the usable answers that close the round; those that are asked beyond are sent
 *     home, or go on
 * @param carriesOver whether clients that have not answered when the round closes go on, so that
 *     their answers count in a later round (no barrier), or are sent home
 */
public record RoundPlan(
    Map<String, Assignment> assignments, int concurrency, int closeAfter, boolean carriesOver) {

  /** Checks the ranges and keeps its own map. */
  public RoundPlan {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
    if (closeAfter < 1) {
      throw new IllegalArgumentException("closeAfter: " + closeAfter + " (expected: >= 1)");
    }
    assignments = Collections.unmodifiableMap(new LinkedHashMap<>(assignments));
  }

  /** Returns a plan that asks all at once, and waits for all. */
  public static RoundPlan of(Map<String, Assignment> assignments) {
    return new RoundPlan(assignments, Integer.MAX_VALUE, Integer.MAX_VALUE, false);
  }

  /** Returns a plan that gives each of these clients the same. */
  public static RoundPlan of(Collection<String> clients, Assignment assignment) {
    Map<String, Assignment> assignments = new LinkedHashMap<>();
    clients.forEach(client -> assignments.put(client, assignment));
    return of(assignments);
  }

  /** Returns a plan that asks nobody. */
  public static RoundPlan none() {
    return of(Map.of());
  }

  /** Returns this plan with at most this many clients at work at a time. */
  public RoundPlan withConcurrency(int newConcurrency) {
    return new RoundPlan(assignments, newConcurrency, closeAfter, carriesOver);
  }

  /** Returns this plan, closed after this many usable answers; the others are sent home. */
  public RoundPlan withCloseAfter(int newCloseAfter) {
    return new RoundPlan(assignments, concurrency, newCloseAfter, carriesOver);
  }

  /** Returns this plan with clients that go on when the round closes. */
  public RoundPlan carryingOver() {
    return new RoundPlan(assignments, concurrency, closeAfter, true);
  }
}
