package org.edgefit.federation;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints a run as it goes, a line per event. */
final class ConsoleListener implements RoundListener {

  private final PrintStream out;

  ConsoleListener(PrintStream out) {
    this.out = out;
  }

  @Override
  public void roundOpened(int round, int rounds, List<String> clients) {
    out.printf(
        Locale.ROOT, "round %d of %d: asking %s%n", round, rounds, String.join(", ", clients));
    out.flush();
  }

  @Override
  public void clientFinished(int round, ClientReport report) {
    if (report.trained()) {
      out.printf(
          Locale.ROOT,
          "  %s trained on %d records%s%n",
          report.clientId(),
          report.examples(),
          text(", ", report.metrics()));
    } else {
      out.printf(
          Locale.ROOT, "  %s %s: %s%n", report.clientId(), report.outcome(), report.detail());
    }
    out.flush();
  }

  @Override
  public void roundClosed(RoundSummary summary) {
    if (summary.round() == 0) {
      out.printf(Locale.ROOT, "before training%s%n", text(": server ", summary.serverMetrics()));
      out.flush();
      return;
    }
    out.printf(
        Locale.ROOT,
        "round %d: %d of %d clients%s%s%s, %.1f MB moved, %.1f s%n",
        summary.round(),
        summary.clients().stream().filter(ClientReport::trained).count(),
        summary.clients().size(),
        text(", training ", summary.fitMetrics()),
        text(", clients ", summary.evaluateMetrics()),
        text(", server ", summary.serverMetrics()),
        (summary.bytesDown() + summary.bytesUp()) / 1e6,
        summary.duration().toMillis() / 1e3);
    out.flush();
  }

  private static String text(String before, Map<String, Double> metrics) {
    return metrics.isEmpty()
        ? ""
        : metrics.entrySet().stream()
            .map(entry -> String.format(Locale.ROOT, "%s %.4g", entry.getKey(), entry.getValue()))
            .collect(Collectors.joining(", ", before, ""));
  }
}
