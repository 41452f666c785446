package org.edgefit.federation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads rounds from the rows that a run wrote of them. */
final class FinishedRounds {

  private FinishedRounds() {}

  static List<RoundSummary> of(List<ObjectNode> rows) {
    List<RoundSummary> rounds = new ArrayList<>();
    List<ClientReport> clients = new ArrayList<>();
    for (ObjectNode row : rows) {
      if (row.has("client")) {
        clients.add(
            new ClientReport(
                row.path("client").asText(),
                row.path("outcome").asText(),
                row.path("detail").asText(),
                row.path("examples").asLong(),
                row.path("labelTokens").asLong(),
                metrics(row.path("metrics"))));
      } else {
        rounds.add(
            new RoundSummary(
                row.path("round").asInt(),
                clients,
                metrics(row.path("fit")),
                metrics(row.path("evaluate")),
                metrics(row.path("server")),
                row.path("bytesDown").asLong(),
                row.path("bytesUp").asLong(),
                Duration.ofMillis(Math.round(1000 * row.path("seconds").asDouble())),
                row.path("adapterSha256").asText()));
        clients.clear();
      }
    }
    return rounds;
  }

  private static Map<String, Double> metrics(JsonNode of) {
    Map<String, Double> metrics = new TreeMap<>();
    of.properties()
        .forEach(
            entry -> metrics.put(entry.getKey(), Double.parseDouble(entry.getValue().asText())));
    return metrics;
  }
}
