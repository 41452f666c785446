package org.edgefit.data.selfinstruct;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Words;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/** The kinds of smart-home tasks: what a record of each looks like, and when one is valid. */
public enum TaskKind {
  /** A sensor event, to be told apart as Normal or Anomaly, with the reason. */
  EVENT(
      "Sensor Log Classification",
      " Classify this event as 'Normal' or 'Anomaly' and explain why.",
      List.of("Normal", "Anomaly"),
      List.of()),
  /** A voice command, to be given one of a few intents. */
  INTENT(
      "Intent Classification",
      " Which intent does this command have: lights, climate, security, appliance or media?",
      List.of("lights", "climate", "security", "appliance", "media"),
      List.of()),
  /** A routine, to be written as JSON. */
  ROUTINE("Routine", "", List.of(), List.of("trigger", "actions")),
  /** A command to a device, to be written as JSON. */
  COMMAND("Device Command", "", List.of(), List.of("device", "action")),
  /** A question about devices of a home, to be answered in words. */
  QUESTION("Status Question", "", List.of(), List.of());

  private final String category;
  private final String request;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> labels;

  @SuppressWarnings("ImmutableEnumChecker") // made by List.of
  private final List<String> keys;

  TaskKind(String category, String request, List<String> labels, List<String> keys) {
    this.category = category;
    this.request = request;
    this.labels = labels;
    this.keys = keys;
  }

  /** Returns the category of the kind's records. */
  public String category() {
    return category;
  }

  /** Returns the classes, if the kind is a classification: then the class is drawn first. */
  public List<String> labels() {
    return labels;
  }

  /** Returns whether a teacher gets the class before it writes the task. */
  public boolean isOutputFirst() {
    return !labels.isEmpty();
  }

  /** Returns whether responses are JSON objects. */
  public boolean isJson() {
    return !keys.isEmpty();
  }

  /** Returns whether the class is all of the answer: it has no reason. */
  public boolean isClassAlone() {
    return this == INTENT;
  }

  /**
   * Returns why a response is not one of this kind's, or null if it is.
   *
   * @param response the response; in a classification what follows the class, which names no other
   * @param label the class, for a classification
   */
  public @Nullable String fault(String response, @Nullable String label) {
    if (isOutputFirst() && !isOfClass(response, label)) {
      return "label";
    }
    if (!isJson()) {
      return null;
    }
    try {
      ObjectNode json = Json.parse(response, "response");
      for (String key : keys) {
        if (json.path(key).isMissingNode() || json.path(key).isNull()) {
          return "JSON";
        }
      }
      return new TreeSet<>(keys).containsAll(names(json)) ? null : "JSON";
    } catch (IOException e) {
      return "JSON";
    }
  }

  private boolean isOfClass(String reason, @Nullable String label) {
    if (label == null || !labels.contains(label) || (isClassAlone() && !reason.isBlank())) {
      return false;
    }
    List<String> words = Words.of(reason);
    return labels.stream()
        .filter(other -> !other.equals(label))
        .noneMatch(other -> words.contains(other.toLowerCase(Locale.ROOT)));
  }

  private static List<String> names(ObjectNode json) {
    List<String> names = new ArrayList<>();
    json.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /**
   * Returns the record of a task.
   *
   * @param task the event, command, wish or question alone
   * @param answer the answer without its class
   * @param label the class, for a classification
   */
  public InstructionRecord record(String task, String answer, @Nullable String label) {
    String response = label == null ? answer : answer.isEmpty() ? label : label + ". " + answer;
    return new InstructionRecord(task + request, null, response, category, label);
  }
}
