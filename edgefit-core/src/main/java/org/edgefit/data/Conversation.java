package org.edgefit.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the messages of a record: an optional system message, then user and assistant in turn. */
final class Conversation {

  private Conversation() {}

  /**
   * Reads messages, the last of which is the assistant's.
   *
   * @param list the messages, each with a role and a content
   * @param key the key that they have
   * @param where the record's place
   * @param ignored counts the keys of messages that are not read
   * @throws IOException if a message is no such object, or they are not in turn
   */
  static List<Message> read(JsonNode list, String key, String where, Map<String, Integer> ignored)
      throws IOException {
    List<Message> messages = new ArrayList<>();
    for (JsonNode one : list) {
      messages.add(message(one, key, where + ": " + key + "[" + messages.size() + "]", ignored));
    }
    int last = messages.size() - 1;
    for (int i = 0; i <= last; i++) {
      boolean hasSystem = messages.get(0).role().equals(Message.SYSTEM);
      String expected =
          i == 0 && hasSystem
              ? Message.SYSTEM
              : (i - (hasSystem ? 1 : 0)) % 2 == 0 ? Message.USER : Message.ASSISTANT;
      if (!messages.get(i).role().equals(expected)) {
        throw new IOException(
            where
                + ": "
                + key
                + "["
                + i
                + "]: role "
                + messages.get(i).role()
                + " (expected: "
                + expected
                + "; alternating user and assistant, after an optional system)");
      }
    }
    if (last < 1 || !messages.get(last).role().equals(Message.ASSISTANT)) {
      throw new IOException(
          where
              + ": "
              + key
              + ": the last is "
              + messages.get(last).role()
              + " (expected: assistant, which gets labels)");
    }
    return messages;
  }

  private static Message message(
      JsonNode json, String key, String where, Map<String, Integer> ignored) throws IOException {
    boolean isShareGpt = json.has("from") && !json.has("role");
    JsonNode role = json.path(isShareGpt ? "from" : "role");
    JsonNode content = json.path(isShareGpt ? "value" : "content");
    String text = content.isArray() ? parts(content, where) : content.textValue();
    if (!role.isTextual() || text == null) {
      throw new IOException(
          where
              + ": "
              + RecordReader.shown(json)
              + " (expected: role and content, or from and value)");
    }
    RecordReader.whole(text, where);
    Set<String> read = isShareGpt ? Set.of("from", "value") : Set.of("role", "content");
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      if (!read.contains(entry.getKey()) && !entry.getValue().isNull()) {
        ignored.merge(key + "[]." + entry.getKey(), 1, Integer::sum);
      }
    }
    return switch (role.textValue()) {
      case "user", "human" -> new Message(Message.USER, text);
      case "assistant", "gpt" -> new Message(Message.ASSISTANT, text);
      case "system" -> new Message(Message.SYSTEM, text);
      default ->
          throw new IOException(
              where
                  + ": role "
                  + RecordReader.shown(role)
                  + " (expected: system, user or assistant)");
    };
  }

  /** Joins the parts of a content, all of which must be text. */
  private static String parts(JsonNode content, String where) throws IOException {
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("text").isTextual() || !part.path("type").asText("text").equals("text")) {
        throw new IOException(
            where + ": " + RecordReader.shown(part) + " (expected: a part with text)");
      }
      text.append(part.path("text").textValue());
    }
    return text.toString();
  }
}
