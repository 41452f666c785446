package org.edgefit.strategy;

/**
 * A round failed through a client's fault: the run records why and continues with the previous
 * state. Any other exception of a strategy ends the run.
 */
public final class RoundFailedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** Makes one that says whose fault it is, what was found and what was expected. */
  public RoundFailedException(String message) {
    super(message);
  }
}
