package org.edgefit.strategy;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The assignments of a round, and when it closes.
 *
 * @param assignments by client id, in the order in which they are asked
 * @param concurrency the most clients running at a time; the others wait for a free slot
 * @param closeAfter the usable results that close the round; remaining tasks are cancelled or go on
 * @param carriesOver whether clients still running when the round closes continue, with their
 *     results counting in a later round (asynchronous), or are cancelled
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

  /** Returns a plan that starts all and waits for all. */
  public static RoundPlan of(Map<String, Assignment> assignments) {
    return new RoundPlan(assignments, Integer.MAX_VALUE, Integer.MAX_VALUE, false);
  }

  /** Returns a plan that gives each of these clients the same. */
  public static RoundPlan of(Collection<String> clients, Assignment assignment) {
    Map<String, Assignment> assignments = new LinkedHashMap<>();
    clients.forEach(client -> assignments.put(client, assignment));
    return of(assignments);
  }

  /** Returns a plan without tasks. */
  public static RoundPlan none() {
    return of(Map.of());
  }

  /** Returns this plan with at most this many clients at work at a time. */
  public RoundPlan withConcurrency(int newConcurrency) {
    return new RoundPlan(assignments, newConcurrency, closeAfter, carriesOver);
  }

  /** Returns this plan, closed after this many usable results; the rest is cancelled. */
  public RoundPlan withCloseAfter(int newCloseAfter) {
    return new RoundPlan(assignments, concurrency, newCloseAfter, carriesOver);
  }

  /** Returns this plan with clients that go on when the round closes. */
  public RoundPlan carryingOver() {
    return new RoundPlan(assignments, concurrency, closeAfter, true);
  }
}
