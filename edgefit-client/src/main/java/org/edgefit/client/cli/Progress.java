package org.edgefit.client.cli;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/** Progress on standard error: a bar on a terminal, else lines. */
final class Progress implements AutoCloseable {

  /** Set by the launcher's script, which can tell whether standard error is a terminal. */
  private static final boolean TERMINAL = Boolean.getBoolean("edgefit.terminal");

  private final String task;
  private final int linesApart;
  private @Nullable ProgressBar bar;
  private long shown;

  /**
   * Starts a display.
   *
   * @param linesApart how much work lies between two lines where there is no terminal
   */
  Progress(String task, int linesApart) {
    this.task = task;
    this.linesApart = linesApart;
  }

  /** Shows that {@code done} of {@code all} is done. */
  void show(long done, long all, String note) {
    if (!TERMINAL) {
      boolean isNext = done / linesApart > shown / linesApart || done < shown;
      shown = done;
      if (isNext || done == all) {
        System.err.printf(
            Locale.ROOT, "%s: %d of %d%s%n", task, done, all, note.isEmpty() ? "" : ", " + note);
      }
      return;
    }
    if (bar == null) {
      bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(all).build();
    }
    bar.setExtraMessage(note);
    bar.stepTo(done);
    if (done == all) {
      close();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
