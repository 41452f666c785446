package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;

/** A report's numbers, for programs. */
final class Numbers {

  /**
   * A number with a range.
   *
   * @param range what the range is: {@code bootstrap-95}, over clients {@code deviation}, or {@code
   *     none}
   */
  record Ranged(double value, double low, double high, String range) {}

  private final Map<String, Ranged> byKey = new LinkedHashMap<>();
  private final StringBuilder csv =
      new StringBuilder("model,seed,procedure,scoring,metric,value,low,high,range\n");

  /** Adds one. */
  void add(
      String model, long seed, Procedure procedure, Scoring scoring, String metric, Ranged number) {
    String key =
        String.join(
            "/",
            model,
            Long.toString(seed),
            Section.spelled(procedure),
            Section.spelled(scoring),
            metric);
    byKey.put(key, number);
    csv.append(
        String.format(
            Locale.ROOT,
            "%s,%d,%s,%s,%s,%.6f,%.6f,%.6f,%s%n",
            cell(model),
            seed,
            Section.spelled(procedure),
            Section.spelled(scoring),
            cell(metric),
            number.value(),
            number.low(),
            number.high(),
            number.range()));
  }

  private static String cell(String text) {
    return text.replace(',', ' ');
  }

  /** Writes {@code numbers.json} and {@code numbers.csv}. */
  void write(Path folder) throws IOException {
    DurableFiles.write(folder.resolve("numbers.json"), Json.tree(byKey).toPrettyString() + "\n");
    DurableFiles.write(folder.resolve("numbers.csv"), csv.toString());
  }
}
