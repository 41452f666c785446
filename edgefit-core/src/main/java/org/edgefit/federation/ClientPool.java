package org.edgefit.federation;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.edgefit.strategy.EvaluateOutcome;
import org.edgefit.strategy.FitOutcome;

/** The clients that a federation can ask, wherever they run. */
public interface ClientPool {

  /** Returns the ids of the clients that can be asked now, sorted. */
  List<String> available();

  /**
   * Waits until at least {@code minimum} clients are available.
   *
   * @return whether they are; false after {@code timeout}
   */
  boolean await(int minimum, Duration timeout) throws InterruptedException;

  /** Returns what is known of a client's machine. */
  Map<String, String> description(String clientId);

  /** Asks clients to train, and returns one outcome per client, in any order. */
  List<FitOutcome> fit(FitRequest request) throws InterruptedException;

  /** Asks clients to evaluate, and returns one outcome per client, in any order. */
  List<EvaluateOutcome> evaluate(EvaluateRequest request) throws InterruptedException;
}
