package org.edgefit.federation;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where events go: to the run's log those that it keeps, and to the listeners all of them. */
final class EventLog {

  private static final Logger log = LoggerFactory.getLogger(EventLog.class);

  private final RunDirectory directory;
  private final Supplier<Duration> now;
  private final List<RunListener> listeners;

  EventLog(RunDirectory directory, Supplier<Duration> now, List<RunListener> listeners) {
    this.directory = directory;
    this.now = now;
    this.listeners = new ArrayList<>(listeners);
  }

  /** Writes an event to the log; any thread may call it. */
  void keep(RunEvent.Kept event) throws IOException {
    directory.append(event, now.get());
  }

  /** Tells the listeners; one thread calls it. */
  void tell(RunEvent event) {
    for (RunListener listener : List.copyOf(listeners)) {
      try {
        listener.on(event);
      } catch (Exception | Error e) {
        log.error("a listener failed and was removed", e);
        listeners.remove(listener);
      }
    }
  }

  /** Writes an event to the log, then tells the listeners. */
  void add(RunEvent.Kept event) throws IOException {
    keep(event);
    tell(event);
  }
}
