package org.edgefit.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A data set split among clients.
 *
 * @param parts one data set per client
 */
public record Partition(List<InstructionDataset> parts) {

  /** Copies the list. */
  public Partition {
    parts = List.copyOf(parts);
  }

  static Partition of(List<List<InstructionRecord>> parts) {
    return new Partition(parts.stream().map(InstructionDataset::new).toList());
  }

  static String keyOf(InstructionRecord record, Function<InstructionRecord, @Nullable String> key) {
    String value = key.apply(record);
    return value == null ? "(none)" : value;
  }

  /** Returns how many records of each key each client has, as a table to print. */
  public String table(Function<InstructionRecord, @Nullable String> key) {
    TreeSet<String> keys = new TreeSet<>();
    List<TreeMap<String, Integer>> counts = new ArrayList<>();
    for (InstructionDataset part : parts) {
      TreeMap<String, Integer> count = new TreeMap<>();
      for (InstructionRecord record : part.records()) {
        count.merge(keyOf(record, key), 1, Integer::sum);
      }
      keys.addAll(count.keySet());
      counts.add(count);
    }
    StringBuilder table = new StringBuilder("client");
    keys.forEach(name -> table.append("  ").append(name));
    table.append("  total\n");
    for (int client = 0; client < counts.size(); client++) {
      table.append(String.format(Locale.ROOT, "%6d", client));
      for (String name : keys) {
        table.append(cell(counts.get(client).getOrDefault(name, 0), name));
      }
      table.append(cell(parts.get(client).size(), "total")).append('\n');
    }
    table.append("   all");
    for (String name : keys) {
      int sum = counts.stream().mapToInt(count -> count.getOrDefault(name, 0)).sum();
      table.append(cell(sum, name));
    }
    int total = parts.stream().mapToInt(InstructionDataset::size).sum();
    return table.append(cell(total, "total")).append('\n').toString();
  }

  private static String cell(int count, String heading) {
    return String.format(Locale.ROOT, "%" + (heading.length() + 2) + "d", count);
  }
}
