package org.edgefit.federation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.client.ClientText;
import org.jspecify.annotations.Nullable;

/**
 * A client's metrics as accepted by a run: few, with short names, and finite. Others are dropped
 * with a note.
 *
 * @param values the measures by name
 * @param dropped what was left out, a line each
 */
record Metrics(Map<String, Double> values, List<String> dropped) {

  /** The most metrics of a result. */
  static final int MOST = 128;

  private static final int MOST_NAME = 128;

  /** Copies collections. */
  public Metrics {
    values = Collections.unmodifiableMap(new TreeMap<>(values));
    dropped = List.copyOf(dropped);
  }

  /** Returns a client's usable metrics. */
  static Metrics of(@Nullable Map<String, @Nullable Double> reported) {
    TreeMap<String, Double> values = new TreeMap<>();
    List<String> dropped = new ArrayList<>();
    if (reported == null) {
      return new Metrics(values, List.of("metrics: null (expected: a map)"));
    }
    for (Map.Entry<String, @Nullable Double> entry : reported.entrySet()) {
      String name = String.valueOf(entry.getKey());
      Double value = entry.getValue();
      String shown = ClientText.shown(name, MOST_NAME);
      if (name.isBlank() || !shown.equals(name)) {
        dropped.add(
            String.format(
                Locale.ROOT,
                "metric \"%s\" dropped: name (expected: 1 to %d printable characters)",
                shown,
                MOST_NAME));
      } else if (value == null || !Double.isFinite(value)) {
        dropped.add("metric " + name + " dropped: " + value + " (expected: a finite number)");
      } else if (values.size() == MOST) {
        dropped.add("metric " + name + " dropped: more than " + MOST);
      } else {
        values.put(name, value);
      }
      if (dropped.size() == 8) {
        dropped.add("and more");
        break;
      }
    }
    return new Metrics(values, dropped);
  }
}
