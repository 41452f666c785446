package org.edgefit.format.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Reads a stream that another machine sends, and ends it when nothing comes for too long. */
final class StallGuard implements AutoCloseable {

  private final InputStream stream;
  private final Duration limit;
  private final Executor later;
  private volatile long lastRead = System.nanoTime();
  private volatile boolean isStalled;
  private volatile boolean isClosed;

  /**
   * Starts to watch a stream.
   *
   * @param limit nothing may come for so long; up to twice that may pass before it is seen
   */
  StallGuard(InputStream stream, Duration limit) {
    this.stream = stream;
    this.limit = limit;
    this.later = CompletableFuture.delayedExecutor(limit.toMillis(), TimeUnit.MILLISECONDS);
    later.execute(this::check);
  }

  private void check() {
    if (isClosed) {
      return;
    }
    if (System.nanoTime() - lastRead < limit.toNanos()) {
      later.execute(this::check);
      return;
    }
    isStalled = true;
    try {
      stream.close(); // which ends a read that waits
    } catch (IOException e) {
      // the reader is told that the stream stalled
    }
  }

  /**
   * Reads what comes next; -1 at the end.
   *
   * @throws IOException if nothing came, or the stream broke
   */
  int read(byte[] buffer) throws IOException {
    int read = stream.read(buffer);
    if (isStalled) {
      throw new IOException("no data for " + limit.toMillis() + " ms");
    }
    lastRead = System.nanoTime();
    return read;
  }

  @Override
  public void close() throws IOException {
    isClosed = true;
    stream.close();
  }
}
