package org.edgefit.federation;

import java.util.Locale;
import java.util.function.LongSupplier;
import org.edgefit.run.RunEvent;

/**
 * The estimated remaining time of a run, assuming equal rounds, and equal tasks plus the closing
 * within a round. Time before a resume does not count.
 */
final class TimeLeft {

  private static final long SECOND = 1_000_000_000L;

  private final LongSupplier nanoTime;
  private long start;
  private int first;
  private int rounds;
  private int round;
  private int tasks;
  private int finished;
  private double done;

  TimeLeft(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  void on(RunEvent event) {
    if (event instanceof RunEvent.RoundOpened opened) {
      if (first == 0) {
        first = opened.round();
        start = nanoTime.getAsLong();
      }
      round = opened.round();
      rounds = opened.rounds();
      tasks = opened.tasks().size();
      finished = 0;
    } else if (event instanceof RunEvent.EvaluationOpened opened) {
      tasks += opened.tasks().size();
    } else if (event instanceof RunEvent.ClientFinished) {
      finished++;
      done = round - first + Math.min(finished, tasks) / (tasks + 1.0);
    } else if (event instanceof RunEvent.RoundClosed closed && first > 0) {
      done = closed.summary().round() - first + 1;
    }
  }

  /** Returns {@code ", about 4 min left"}, or nothing where nothing is known or nothing is left. */
  @Override
  public String toString() {
    double left = done == 0 ? 0 : rounds - first + 1 - done;
    if (left <= 0) {
      return "";
    }
    double seconds = (nanoTime.getAsLong() - start) / done * left / SECOND;
    return ", about "
        + (seconds < 90
            ? Math.max(1, Math.round(seconds)) + " s"
            : seconds < 90 * 60
                ? Math.round(seconds / 60) + " min"
                : String.format(Locale.ROOT, "%.1f h", seconds / 3600))
        + " left";
  }
}
