package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** The rounds of a federation: here, and as the tiers' devices would have them. */
final class RoundTables {

  private final ExperimentConfig config;

  RoundTables(ExperimentConfig config) {
    this.config = config;
  }

  /** Draws the validation of the federation's rounds, and of the others as level lines. */
  static void curve(
      Document document, String name, Measured federated, Map<Procedure, List<Measured>> of) {
    LineChart chart = new LineChart("validation macro-F1 by round");
    List<String> names = new ArrayList<>();
    of.forEach(
        (procedure, measured) -> {
          List<Double> points =
              procedure == Procedure.FEDERATED
                  ? federated.rounds().stream().map(Measured.Round::f1).toList()
                  : Collections.nCopies(
                      federated.rounds().size(), Comparison.validationF1(measured));
          chart.add(Section.spelled(procedure), points);
          names.add(Section.spelled(procedure));
        });
    document.drawing(
        name,
        "macro-F1 on the validation records by round: " + String.join(", ", names),
        chart.svg());
  }

  /** Tells each round, and when the target was reached. */
  void rounds(Document document, Measured federated) {
    document.subheading("Rounds");
    boolean isVirtual = federated.rounds().stream().anyMatch(round -> round.virtualSeconds() > 0);
    List<String> head =
        new ArrayList<>(List.of("round", "validation macro-F1", "trained", "MB", "s here"));
    if (isVirtual) {
      head.addAll(List.of("s on the tiers", "s from the start"));
    }
    List<List<String>> rows = new ArrayList<>();
    double elapsed = 0;
    for (int i = 0; i < federated.rounds().size(); i++) {
      Measured.Round round = federated.rounds().get(i);
      elapsed += round.virtualSeconds();
      List<String> row =
          new ArrayList<>(
              List.of(
                  Integer.toString(i),
                  String.format(Locale.ROOT, "%.3f", round.f1()),
                  round.trained() + " of " + round.asked(),
                  Document.megabytes(round.bytes()),
                  String.format(Locale.ROOT, "%.0f", round.seconds())));
      if (isVirtual) {
        row.add(String.format(Locale.ROOT, "%.1f", round.virtualSeconds()));
        row.add(String.format(Locale.ROOT, "%.1f", elapsed));
      }
      rows.add(row);
    }
    document.table(head, rows);
    if (federated.rounds().stream().noneMatch(round -> round.trained() > 0)) {
      document.paragraph("No client result was used: this is the base model.");
    }
    document.paragraph(
        "Validation macro-F1 of "
            + config.federated().targetF1()
            + ": "
            + target(federated.rounds(), isVirtual));
  }

  private String target(List<Measured.Round> rounds, boolean isVirtual) {
    double seconds = 0;
    long bytes = 0;
    for (int i = 0; i < rounds.size(); i++) {
      seconds += isVirtual ? rounds.get(i).virtualSeconds() : rounds.get(i).seconds();
      bytes += rounds.get(i).bytes();
      if (rounds.get(i).f1() >= config.federated().targetF1()) {
        return String.format(
            Locale.ROOT,
            "after round %d, %.1f s %s and %s MB.",
            i,
            seconds,
            isVirtual ? "on the tiers" : "here",
            Document.megabytes(bytes));
      }
    }
    return "not reached.";
  }

  /** Tells what the rounds would take on the tiers' devices. */
  void devices(Document document, Tiers own, Measured federated) {
    document.subheading("Tiers");
    List<List<String>> rows = new ArrayList<>();
    int clients = config.partition().clients();
    for (int t = 0; t < own.fits().size(); t++) {
      Tiers.Fit fit = own.fits().get(t);
      int tier = t;
      long count =
          IntStream.range(0, clients)
              .filter(client -> own.of(client).equals(own.fits().get(tier)))
              .count();
      rows.add(
          List.of(
              fit.tier().name(),
              fit.tier().device().name(),
              Long.toString(count),
              String.format(Locale.ROOT, "%.1f", fit.bytes() / 1e9),
              String.format(Locale.ROOT, "%.1f", fit.tier().device().memoryBytes() / 1e9),
              fit.layersKept() + " of " + fit.layers(),
              String.format(Locale.ROOT, "%.2f", fit.tier().device().flopsPerSecond() / 1e12),
              String.format(Locale.ROOT, "%.0f %%", 100 * fit.tier().device().dropout())));
    }
    document.table(
        List.of(
            "tier", "device", "clients", "planned GB", "of GB", "layers kept", "TFLOPS", "drops"),
        rows);
    double all = 0;
    double waited = 0;
    int asked = 0;
    int trained = 0;
    for (Measured.Round round : federated.rounds()) {
      all += round.virtualSeconds();
      waited += round.waited();
      asked += round.asked();
      trained += round.trained();
    }
    document.paragraph(
        String.format(
            Locale.ROOT,
            "On the virtual clock all rounds take %.1f s. The first client of a round waits %.0f %%"
                + " of that for the last; %d of %d clients dropped out, were late or failed.",
            all,
            all > 0 ? 100 * waited / all : 0,
            asked - trained,
            asked));
  }
}
