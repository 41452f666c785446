package org.edgefit.federation;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.edgefit.file.Json;
import org.edgefit.strategy.PartSettings;

/** Checks that a resumed run has its original settings. */
final class SettingsCheck {

  /** What may be otherwise: the program, and how many rounds there are to be. */
  private static final Set<String> FREE = Set.of("edgefit", "java", "rounds");

  private SettingsCheck() {}

  /**
   * Compares settings.
   *
   * @return what could not be compared, to be said
   * @throws IOException naming the first setting that is another
   */
  static List<String> differences(
      Path directory, Map<String, Object> before, Map<String, Object> now) throws IOException {
    Map<String, String> then = flat(before);
    Map<String, String> here = flat(now);
    TreeSet<String> keys = new TreeSet<>(then.keySet());
    keys.addAll(here.keySet());
    List<String> said = new ArrayList<>();
    for (String key : keys) {
      String one = then.getOrDefault(key, "none");
      String other = here.getOrDefault(key, "none");
      if (one.equals(other) || FREE.contains(key)) {
        if (PartSettings.isVague(one)) {
          said.add(key + ": " + one + ": cannot be compared with the original run");
        }
        continue;
      }
      if (PartSettings.isOtherCode(one, other)) {
        said.add(
            key
                + ": "
                + other
                + " (originally: "
                + one
                + "): its code changed; the effect is unknown");
      } else {
        throw new IOException(
            directory
                + ": "
                + key
                + ": "
                + other
                + " (expected: "
                + one
                + ", as in the original run)");
      }
    }
    boolean spansRun = "true".equals(here.get("training.scheduleOverRun"));
    if (spansRun && !String.valueOf(then.get("rounds")).equals(here.get("rounds"))) {
      throw new IOException(
          directory
              + ": rounds: "
              + here.get("rounds")
              + " (expected: "
              + then.get("rounds")
              + ", which the learning rate's schedule spans)");
    }
    return said;
  }

  /** Returns settings by their path. */
  private static Map<String, String> flat(Map<String, Object> settings) {
    Map<String, String> flat = new TreeMap<>();
    Json.tree(settings).properties().forEach(e -> add(e.getKey(), e.getValue(), flat));
    return flat;
  }

  private static void add(String path, JsonNode node, Map<String, String> flat) {
    if (node.isObject()) {
      node.properties().forEach(e -> add(path + "." + e.getKey(), e.getValue(), flat));
    } else {
      flat.put(path, node.isTextual() ? node.asText() : node.toString());
    }
  }
}
