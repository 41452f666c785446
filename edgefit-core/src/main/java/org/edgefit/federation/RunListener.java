package org.edgefit.federation;

import java.io.PrintStream;
import org.edgefit.run.RunEvent;

/**
 * Receives the events of a run, one at a time. A listener that throws is logged and removed; it
 * cannot end the run.
 */
@FunctionalInterface
public interface RunListener {

  /** Something happened. */
  void on(RunEvent event);

  /** Returns a listener that prints a line per event to standard output. */
  static RunListener console() {
    return console(System.out);
  }

  /** Returns a listener that prints a line per event, with the time that the run may still take. */
  static RunListener console(PrintStream out) {
    return new ConsoleListener(out, System::nanoTime);
  }
}
