package org.edgefit.federation;

import java.time.Duration;

/** The uptime of a run. */
public final class RunClock {

  private final Duration before;
  private final long start = System.nanoTime();

  private RunClock(Duration before) {
    this.before = before;
  }

  /** Starts a clock. */
  public static RunClock start(Duration before) {
    return new RunClock(before);
  }

  /** Returns the time. */
  public Duration now() {
    return before.plusNanos(System.nanoTime() - start);
  }
}
