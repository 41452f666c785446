package org.edgefit.federation;

import java.io.PrintStream;
import java.util.List;

/** Is told what happens in a run, one call at a time. */
public interface RoundListener {

  /** A round begins. */
  default void roundOpened(int round, int rounds, List<String> clients) {}

  /** A client's part in a round has ended. */
  default void clientFinished(int round, ClientReport report) {}

  /** A round has ended, and its adapter is on disk. Round 0 is the state before the first. */
  default void roundClosed(RoundSummary summary) {}

  /** Returns a listener that prints a line per event to standard output. */
  static RoundListener console() {
    return console(System.out);
  }

  /** Returns a listener that prints a line per event. */
  static RoundListener console(PrintStream out) {
    return new ConsoleListener(out);
  }
}
