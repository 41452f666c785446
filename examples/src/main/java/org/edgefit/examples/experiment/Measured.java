package org.edgefit.examples.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.metrics.ConfusionMatrix;
import org.edgefit.metrics.Prediction;

/**
 * Test results of one adapter, or of the base model alone.
 *
 * @param labels the classes
 * @param predictions by scoring, each record's true and predicted class
 * @param seconds how long training took
 * @param bytes the bytes that were moved for it
 * @param validationF1 the macro-F1 on the validation records by the first scoring
 * @param rounds what each round led to, from round 0 on; empty without rounds
 */
record Measured(
    List<String> labels,
    Map<Scoring, List<Prediction>> predictions,
    double seconds,
    long bytes,
    double validationF1,
    List<Round> rounds) {

  /**
   * A round of the federation; round 0 is the state before the first.
   *
   * @param f1 the validation's macro-F1
   * @param bytes what was sent both ways
   * @param seconds how long it took here
   * @param virtualSeconds how long it would take on the tiers' devices; 0 without tiers
   * @param waited the simulated wait of the first client for the last one
   * @param asked the clients that were asked
   * @param trained the clients whose change counted
   */
  record Round(
      double f1,
      long bytes,
      double seconds,
      double virtualSeconds,
      double waited,
      int asked,
      int trained) {}

  /** Returns the matrix of one way of telling. */
  ConfusionMatrix confusion(Scoring scoring) {
    return ConfusionMatrix.of(labels, cases(scoring));
  }

  /** Returns the cases of one way of telling. */
  List<Prediction> cases(Scoring scoring) {
    List<Prediction> cases = predictions.get(scoring);
    if (cases == null) {
      throw new IllegalArgumentException("scoring: " + scoring + " (expected: one that was run)");
    }
    return cases;
  }

  /** Writes this as JSON, whole or not at all. */
  void write(Path file) throws IOException {
    ObjectNode json = Json.object();
    json.put("seconds", seconds);
    json.put("bytes", bytes);
    json.put("validationF1", validationF1);
    labels.forEach(json.putArray("labels")::add);
    json.set("rounds", Json.tree(rounds));
    ObjectNode scorings = json.putObject("scorings");
    predictions.forEach(
        (scoring, cases) -> {
          ObjectNode of = scorings.putObject(Section.spelled(scoring));
          of.set("metrics", Json.tree(ConfusionMatrix.of(labels, cases).metrics()));
          ArrayNode list = of.putArray("predictions");
          cases.forEach(one -> list.addArray().add(one.truth()).add(one.predicted()));
        });
    DurableFiles.write(file, json.toPrettyString() + "\n");
  }

  /** Reads what {@link #write} wrote. */
  static Measured read(Path file) throws IOException {
    ObjectNode json = Json.read(file);
    List<String> labels = new ArrayList<>();
    json.path("labels").forEach(label -> labels.add(label.asText()));
    List<Round> rounds = new ArrayList<>();
    for (JsonNode round : json.path("rounds")) {
      rounds.add(
          new Round(
              round.path("f1").asDouble(Double.NaN),
              round.path("bytes").asLong(),
              round.path("seconds").asDouble(),
              round.path("virtualSeconds").asDouble(),
              round.path("waited").asDouble(),
              round.path("asked").asInt(),
              round.path("trained").asInt()));
    }
    Map<Scoring, List<Prediction>> predictions = new EnumMap<>(Scoring.class);
    for (Scoring scoring : Scoring.values()) {
      JsonNode of = json.path("scorings").path(Section.spelled(scoring));
      if (of.isObject()) {
        List<Prediction> cases = new ArrayList<>();
        for (JsonNode one : of.path("predictions")) {
          cases.add(
              new Prediction(
                  one.get(0).asText(), one.get(1).isNull() ? null : one.get(1).asText()));
        }
        predictions.put(scoring, List.copyOf(cases));
      }
    }
    return new Measured(
        List.copyOf(labels),
        predictions,
        json.path("seconds").asDouble(),
        json.path("bytes").asLong(),
        json.path("validationF1").asDouble(Double.NaN),
        List.copyOf(rounds));
  }
}
