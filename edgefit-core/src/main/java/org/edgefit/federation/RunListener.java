package org.edgefit.federation;

import java.io.PrintStream;
import org.edgefit.run.RunEvent;

/**
 * Is told what happens in a run, one event at a time. A listener that throws is logged, and told
 * nothing more; it cannot end a run.
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
