package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;

/** The records: how many each rule kept, a sample, and who has what. */
final class DataTables {

  private DataTables() {}

  /** Tells the records of a seed. */
  static void write(Document document, long seed, ExperimentData of) {
    of.notes()
        .forEach(
            (source, note) -> {
              document.subheading(source);
              document.preformatted(note);
            });
    document.subheading("Records of each client");
    skew(document, "skew-" + seed, of.homes().parts());
    document.paragraph(
        of.validation().size()
            + " validation and "
            + of.test().size()
            + " test records of the classes "
            + of.labels()
            + ".");
  }

  private static void skew(Document document, String name, List<InstructionDataset> parts) {
    TreeSet<String> keys = new TreeSet<>();
    List<Map<String, Integer>> counts = new ArrayList<>();
    for (InstructionDataset part : parts) {
      Map<String, Integer> count = new TreeMap<>();
      for (InstructionRecord record : part.records()) {
        count.merge(ExperimentData.SKEW_KEY.apply(record), 1, Integer::sum);
      }
      keys.addAll(count.keySet());
      counts.add(count);
    }
    List<String> head = new ArrayList<>(List.of("client"));
    head.addAll(keys);
    head.add("all");
    List<List<String>> rows = new ArrayList<>();
    for (int client = 0; client < counts.size(); client++) {
      List<String> row = new ArrayList<>(List.of(Trial.clientId(client)));
      for (String key : keys) {
        row.add(Integer.toString(counts.get(client).getOrDefault(key, 0)));
      }
      row.add(Integer.toString(parts.get(client).size()));
      rows.add(row);
    }
    document.drawing(
        name, "the records of each client by class", SkewChart.svg(List.copyOf(keys), counts));
    document.table(head, rows);
  }
}
