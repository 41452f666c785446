package org.edgefit.client.wire;

import java.util.concurrent.ThreadLocalRandom;

/** Exponential backoff with jitter. */
final class Backoff {

  private static final long FIRST_MILLIS = 300;
  private static final long MOST_MILLIS = 15_000;

  private long next = FIRST_MILLIS;

  /** Sleeps for {@link #nextMillis}. */
  void sleep() throws InterruptedException {
    Thread.sleep(nextMillis());
  }

  /** Returns half to one and a half times the next wait, in milliseconds. */
  long nextMillis() {
    long millis = next / 2 + ThreadLocalRandom.current().nextLong(next + 1);
    next = Math.min(MOST_MILLIS, next * 2);
    return millis;
  }

  /** Starts again with the first wait. */
  void reset() {
    next = FIRST_MILLIS;
  }
}
