package org.edgefit.server.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.edgefit.federation.Federation;
import org.jspecify.annotations.Nullable;

/** Ctrl-C or SIGTERM: the run is stopped, and the process ends once the clients were told. */
final class StopSignal {

  private static final long MOST_SECONDS = 30;

  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean isRequested;
  private volatile @Nullable Federation federation;

  void of(Federation running) {
    federation = running;
    if (isRequested) {
      running.stop();
    }
  }

  void request() {
    if (ended.getCount() == 0) {
      return; // the end of the process, not its reason
    }
    isRequested = true;
    Federation running = federation;
    if (running != null) {
      running.stop();
    }
    try {
      ended.await(MOST_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean isRequested() {
    return isRequested;
  }

  void ended() {
    ended.countDown();
  }
}
