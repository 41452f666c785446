package org.edgefit.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Config;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/** Events as JSON objects: what the log keeps and {@code --json} prints. */
final class RunEventCodec {

  /** The version of the log's and of {@code run.json}'s format. */
  static final int FORMAT = 1;

  private RunEventCodec() {}

  /** Returns an event as a JSON object, whose key {@code event} says which it is. */
  static ObjectNode toJson(RunEvent event) {
    ObjectNode json = Json.object();
    if (event instanceof RunEvent.RunOpened opened) {
      json.put("event", "runOpened").put("format", FORMAT).put("run", opened.runId());
      json.set("settings", Json.tree(opened.settings()));
    } else if (event instanceof RunEvent.RunResumed resumed) {
      json.put("event", "runResumed").put("round", resumed.round()).put("rounds", resumed.rounds());
      json.set("notes", Json.tree(resumed.notes()));
    } else if (event instanceof RunEvent.RoundOpened opened) {
      json.put("event", "roundOpened").put("round", opened.round()).put("rounds", opened.rounds());
      json.set("clients", Json.tree(opened.clients()));
      json.set("available", Json.tree(opened.available()));
      json.set("tasks", array(opened.tasks(), RunEventCodec::task));
    } else if (event instanceof RunEvent.EvaluationOpened opened) {
      json.put("event", "evaluationOpened").put("round", opened.round());
      json.set("available", Json.tree(opened.available()));
      json.set("tasks", array(opened.tasks(), RunEventCodec::task));
    } else if (event instanceof RunEvent.ClientFinished finished) {
      json.put("event", "clientFinished").put("round", finished.round());
      json.set("client", outcome(finished.outcome()));
    } else if (event instanceof RunEvent.RoundClosed closed) {
      json.put("event", "roundClosed").setAll(summary(closed.summary()));
    } else if (event instanceof RunEvent.RunClosed closed) {
      json.put("event", "runClosed").put("end", closed.end().name().toLowerCase(Locale.ROOT));
      json.put("detail", closed.detail()).put("adapterSha256", closed.adapterSha256());
    } else if (event instanceof RunEvent.TaskAsked asked) {
      json.put("event", "taskAsked").put("round", asked.round());
      json.put("task", asked.task().number()).put("client", asked.clientId());
    } else if (event instanceof RunEvent.ClientJoined joined) {
      json.put("event", "clientJoined").put("client", joined.clientId());
    } else if (event instanceof RunEvent.ClientLeft left) {
      json.put("event", "clientLeft").put("client", left.clientId());
    }
    return json;
  }

  /**
   * Returns the event of a line of a log.
   *
   * @throws IOException if it is no such event, or of another format
   */
  static RunEvent.Kept fromJson(ObjectNode json) throws IOException {
    try {
      return switch (json.path("event").asText()) {
        case "runOpened" -> {
          int format = json.path("format").asInt();
          if (format != FORMAT) {
            throw new IOException("format " + format + " (expected: " + FORMAT + ")");
          }
          yield new RunEvent.RunOpened(text(json, "run"), objects(json.path("settings")));
        }
        case "runResumed" ->
            new RunEvent.RunResumed(
                integer(json, "round"), integer(json, "rounds"), texts(json.path("notes")));
        case "roundOpened" ->
            new RunEvent.RoundOpened(
                integer(json, "round"),
                integer(json, "rounds"),
                clients(json.path("available")),
                list(json.path("tasks"), RunEventCodec::task));
        case "evaluationOpened" ->
            new RunEvent.EvaluationOpened(
                integer(json, "round"),
                clients(json.path("available")),
                list(json.path("tasks"), RunEventCodec::task));
        case "taskAsked" ->
            new RunEvent.TaskAsked(
                integer(json, "round"), new TaskId(number(json, "task")), text(json, "client"));
        case "clientFinished" ->
            new RunEvent.ClientFinished(integer(json, "round"), outcome(json.path("client")));
        case "roundClosed" -> new RunEvent.RoundClosed(summary(json));
        case "runClosed" ->
            new RunEvent.RunClosed(
                RunEvent.End.valueOf(text(json, "end").toUpperCase(Locale.ROOT)),
                text(json, "detail"),
                text(json, "adapterSha256"));
        default ->
            throw new IOException("event: " + json.path("event") + " (expected: a known one)");
      };
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static ObjectNode task(PlannedTask task) {
    ObjectNode json = Json.object();
    json.put("task", task.id().number()).put("round", task.round());
    json.put("kind", task.kind().name().toLowerCase(Locale.ROOT)).put("client", task.clientId());
    json.set("adapter", Json.tree(task.adapter()));
    json.set("lora", Json.tree(task.lora()));
    json.set("training", Json.tree(task.training()));
    json.set("config", Json.tree(task.config().values()));
    if (task.tensors() != null) {
      json.set("tensors", Json.tree(task.tensors()));
    }
    if (!task.expected().isEmpty()) {
      json.set("expected", Json.tree(task.expected()));
    }
    if (task.memory() != null) {
      json.put("memory", task.memory().number());
    }
    if (task.horizon() != null) {
      json.put("horizon", task.horizon().number());
    }
    json.set("machine", Json.tree(task.machine()));
    return json;
  }

  private static PlannedTask task(JsonNode json) {
    return new PlannedTask(
        new TaskId(number(json, "task")),
        integer(json, "round"),
        PlannedTask.Kind.valueOf(text(json, "kind").toUpperCase(Locale.ROOT)),
        text(json, "client"),
        Json.value(json.path("adapter"), FileRef.class, "adapter"),
        Json.value(json.path("lora"), LoraConfig.class, "lora"),
        Json.value(json.path("training"), Training.class, "training"),
        Config.of(json.path("config")),
        json.has("tensors") ? Json.value(json.get("tensors"), FileRef.class, "tensors") : null,
        texts(json.path("expected")),
        id(json, "memory"),
        id(json, "horizon"),
        properties(json.path("machine")));
  }

  private static Map<String, String> properties(JsonNode json) {
    Map<String, String> properties = new TreeMap<>();
    json.properties().forEach(e -> properties.put(e.getKey(), e.getValue().asText()));
    return properties;
  }

  private static Map<String, Map<String, String>> clients(JsonNode json) {
    Map<String, Map<String, String>> clients = new TreeMap<>();
    json.properties().forEach(e -> clients.put(e.getKey(), properties(e.getValue())));
    return clients;
  }

  private static @Nullable TaskId id(JsonNode json, String key) {
    return json.has(key) ? new TaskId(number(json, key)) : null;
  }

  private static ObjectNode outcome(Outcome outcome) {
    ObjectNode json = Json.object();
    json.put("task", outcome.task().number()).put("clientId", outcome.clientId());
    json.put("outcome", outcome.name()).put("detail", outcome.detail());
    json.put("examples", outcome.examples()).put("labelTokens", outcome.labelTokens());
    json.set("metrics", Json.tree(outcome.metrics()));
    json.put("bytes", outcome.bytes());
    if (outcome instanceof Outcome.Trained trained) {
      json.set("update", Json.tree(trained.update()));
      json.put("keepsMemory", trained.keepsMemory());
      json.set("notes", Json.tree(trained.notes()));
    } else if (outcome instanceof Outcome.Evaluated evaluated) {
      if (evaluated.update() != null) {
        json.set("update", Json.tree(evaluated.update()));
      }
      json.set("notes", Json.tree(evaluated.notes()));
    } else if (outcome instanceof Outcome.TimedOut late) {
      json.put("waitedMillis", late.waited().toMillis());
    }
    return json;
  }

  private static Outcome outcome(JsonNode json) {
    TaskId task = new TaskId(number(json, "task"));
    String client = text(json, "clientId");
    String name = text(json, "outcome");
    return switch (name) {
      case "trained" ->
          new Outcome.Trained(
              task,
              client,
              number(json, "examples"),
              number(json, "labelTokens"),
              metrics(json.path("metrics")),
              Json.value(json.path("update"), FileRef.class, "update"),
              json.path("keepsMemory").asBoolean(),
              texts(json.path("notes")));
      case "evaluated" ->
          new Outcome.Evaluated(
              task,
              client,
              number(json, "examples"),
              metrics(json.path("metrics")),
              json.has("update") ? Json.value(json.get("update"), FileRef.class, "update") : null,
              texts(json.path("notes")));
      case "failed" -> new Outcome.Failed(task, client, text(json, "detail"));
      case "timed out" ->
          new Outcome.TimedOut(task, client, Duration.ofMillis(number(json, "waitedMillis")));
      case "rejected" ->
          new Outcome.Rejected(task, client, text(json, "detail"), number(json, "bytes"));
      default ->
          throw new IllegalArgumentException("outcome: " + name + " (expected: a known one)");
    };
  }

  private static ObjectNode summary(RoundSummary round) {
    ObjectNode json = Json.object();
    json.put("round", round.round()).put("adapterSha256", round.adapterSha256());
    json.set("fit", Json.tree(round.fitMetrics()));
    json.set("evaluate", Json.tree(round.evaluateMetrics()));
    json.set("server", Json.tree(round.serverMetrics()));
    json.put("bytesDown", round.bytesDown()).put("bytesUp", round.bytesUp());
    json.put("seconds", round.duration().toMillis() / 1e3);
    json.put("failure", round.failure());
    json.set("notes", Json.tree(round.notes()));
    json.set("adapter", Json.tree(round.adapter()));
    json.set("adapterConfig", Json.tree(round.adapterConfig()));
    if (round.state() != null) {
      json.set("state", Json.tree(round.state()));
    }
    json.set("clients", array(round.clients(), RunEventCodec::outcome));
    json.set("evaluations", array(round.evaluations(), RunEventCodec::outcome));
    return json;
  }

  private static RoundSummary summary(JsonNode json) {
    return new RoundSummary(
        integer(json, "round"),
        list(json.path("clients"), RunEventCodec::outcome),
        list(json.path("evaluations"), RunEventCodec::outcome),
        metrics(json.path("fit")),
        metrics(json.path("evaluate")),
        metrics(json.path("server")),
        number(json, "bytesDown"),
        number(json, "bytesUp"),
        Duration.ofMillis(Math.round(1000 * json.path("seconds").asDouble())),
        Json.value(json.path("adapter"), FileRef.class, "adapter"),
        Json.value(json.path("adapterConfig"), FileRef.class, "adapterConfig"),
        json.has("state") ? Json.value(json.get("state"), FileRef.class, "state") : null,
        text(json, "failure"),
        texts(json.path("notes")));
  }

  /**
   * Returns the rows of {@code metrics.jsonl} for a round: one per client that trained, one per
   * client that evaluated, and the round's own.
   *
   * @param machines what is known of the machine of each task's client
   */
  static List<ObjectNode> rows(RoundSummary round, Map<TaskId, Map<String, String>> machines) {
    List<ObjectNode> rows = new ArrayList<>();
    for (Outcome outcome : round.clients()) {
      rows.add(row(round, outcome, machines));
    }
    for (Outcome outcome : round.evaluations()) {
      rows.add(row(round, outcome, machines).put("evaluation", true));
    }
    ObjectNode own = summary(round);
    own.remove(List.of("adapter", "adapterConfig", "state", "clients", "evaluations"));
    if (round.failure().isEmpty()) {
      own.remove("failure");
    }
    if (round.notes().isEmpty()) {
      own.remove("notes");
    }
    rows.add(own);
    return rows;
  }

  private static ObjectNode row(
      RoundSummary round, Outcome outcome, Map<TaskId, Map<String, String>> machines) {
    ObjectNode row = Json.object();
    row.put("round", round.round()).put("client", outcome.clientId());
    row.put("outcome", outcome.name());
    if (!outcome.detail().isEmpty()) {
      row.put("detail", outcome.detail());
    }
    row.put("examples", outcome.examples()).put("labelTokens", outcome.labelTokens());
    row.set("metrics", Json.tree(outcome.metrics()));
    row.set("machine", Json.tree(machines.getOrDefault(outcome.task(), Map.of())));
    return row;
  }

  private static <T> ArrayNode array(List<T> values, Function<T, ObjectNode> write) {
    ArrayNode array = Json.array();
    values.forEach(value -> array.add(write.apply(value)));
    return array;
  }

  private static <T> List<T> list(JsonNode array, Function<JsonNode, T> read) {
    List<T> values = new ArrayList<>();
    array.forEach(node -> values.add(read.apply(node)));
    return values;
  }

  private static List<String> texts(JsonNode array) {
    return list(array, JsonNode::asText);
  }

  private static String text(JsonNode json, String key) {
    JsonNode value = json.path(key);
    if (!value.isTextual()) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: a text)");
    }
    return value.asText();
  }

  private static long number(JsonNode json, String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber()) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: an integer)");
    }
    return value.longValue();
  }

  private static int integer(JsonNode json, String key) {
    return Math.toIntExact(number(json, key));
  }

  /** Returns numbers by name; those that JSON has no word for are texts there. */
  private static Map<String, Double> metrics(JsonNode json) {
    Map<String, Double> metrics = new TreeMap<>();
    json.properties()
        .forEach(
            entry -> metrics.put(entry.getKey(), Double.parseDouble(entry.getValue().asText())));
    return metrics;
  }

  /** Returns settings as JSON with sorted keys, the same before they were written and after. */
  static ObjectNode sorted(Map<String, Object> settings) {
    ObjectNode json = Json.object();
    objects(Json.tree(settings)).forEach((key, value) -> json.set(key, Json.tree(value)));
    return json;
  }

  /** Returns a JSON object as maps, lists, texts, numbers and flags. */
  private static Map<String, Object> objects(JsonNode json) {
    Map<String, Object> values = new HashMap<>();
    json.properties().forEach(entry -> values.put(entry.getKey(), plain(entry.getValue())));
    return new TreeMap<>(values);
  }

  private static Object plain(JsonNode node) {
    if (node.isObject()) {
      return objects(node);
    }
    if (node.isArray()) {
      return list(node, RunEventCodec::plain);
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isIntegralNumber()) {
      return node.longValue();
    }
    return node.isNumber() ? (Object) node.doubleValue() : node.asText();
  }
}
