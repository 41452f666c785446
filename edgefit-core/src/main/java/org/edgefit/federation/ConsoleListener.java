package org.edgefit.federation;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.edgefit.run.Outcome;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunEvent;

/** Prints a run as it goes, a line per event, with the time that it may still take. */
final class ConsoleListener implements RunListener {

  private final PrintStream out;
  private final TimeLeft timeLeft;

  ConsoleListener(PrintStream out, LongSupplier nanoTime) {
    this.out = out;
    this.timeLeft = new TimeLeft(nanoTime);
  }

  @Override
  public void on(RunEvent event) {
    timeLeft.on(event);
    if (event instanceof RunEvent.RunResumed resumed) {
      line("resuming at round %d of %d", resumed.round(), resumed.rounds());
      resumed.notes().forEach(note -> line("  %s", note));
    } else if (event instanceof RunEvent.RoundOpened opened) {
      line(
          "round %d/%d: clients %s%s",
          opened.round(), opened.rounds(), String.join(", ", opened.clients()), timeLeft);
    } else if (event instanceof RunEvent.ClientFinished finished) {
      finished(finished.outcome());
    } else if (event instanceof RunEvent.RoundClosed closed) {
      closed(closed.summary());
    } else if (event instanceof RunEvent.RunClosed closed && closed.end() != RunEvent.End.DONE) {
      line("the run %s: %s", closed.end().name().toLowerCase(Locale.ROOT), closed.detail());
    }
    out.flush();
  }

  private void line(String format, Object... values) {
    out.printf(Locale.ROOT, format + "%n", values);
  }

  private void finished(Outcome outcome) {
    if (outcome instanceof Outcome.Trained) {
      line(
          "  %s trained on %d records%s%s%s",
          outcome.clientId(),
          outcome.examples(),
          text(", ", outcome.metrics()),
          outcome.detail().isEmpty() ? "" : " (" + outcome.detail() + ")",
          timeLeft);
    } else if (outcome instanceof Outcome.Evaluated) {
      line(
          "  %s evaluated %d records%s%s%s",
          outcome.clientId(),
          outcome.examples(),
          text(", ", outcome.metrics()),
          outcome.detail().isEmpty() ? "" : " (" + outcome.detail() + ")",
          timeLeft);
    } else {
      line("  %s %s: %s%s", outcome.clientId(), outcome.name(), outcome.detail(), timeLeft);
    }
  }

  private void closed(RoundSummary summary) {
    if (summary.round() == 0) {
      line("before training%s", text(": server ", summary.serverMetrics()));
      return;
    }
    line(
        "round %d: %d of %d clients%s%s%s, %.1f MB sent, %.1f s%s",
        summary.round(),
        summary.trained(),
        summary.clients().size(),
        text(", training ", summary.fitMetrics()),
        text(", clients ", summary.evaluateMetrics()),
        text(", server ", summary.serverMetrics()),
        (summary.bytesDown() + summary.bytesUp()) / 1e6,
        summary.duration().toMillis() / 1e3,
        timeLeft);
    if (!summary.failure().isEmpty()) {
      line("  adapter unchanged: %s", summary.failure());
    }
    summary.notes().forEach(note -> line("  %s", note));
  }

  private static String text(String before, Map<String, Double> metrics) {
    return metrics.isEmpty()
        ? ""
        : metrics.entrySet().stream()
            .map(entry -> String.format(Locale.ROOT, "%s %.4g", entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(", ", before, ""));
  }
}
