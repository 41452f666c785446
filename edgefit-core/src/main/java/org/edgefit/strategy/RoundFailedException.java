package org.edgefit.strategy;

/**
 * Nothing usable came of a round, by the fault of a client: the run records why, and goes on with
 * the state before the round. Any other exception of a strategy ends the run.
 */
public final class RoundFailedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** Makes one that says whose fault it is, what was found and what was expected. */
  public RoundFailedException(String message) {
    super(message);
  }
}
