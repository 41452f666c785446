package org.edgefit.server;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.proto.ServerMessage;

/**
 * What some clients are asked, and their outcomes so far. Guarded by the lock of {@link
 * GrpcClients}.
 *
 * @param <T> the type of an outcome
 */
final class Task<T> {

  private final int round;
  private final Path adapterFile;
  private final Map<String, ServerMessage> messages;
  private final Set<String> pending;
  private final Map<String, T> outcomes = new TreeMap<>();

  Task(int round, Path adapterFile, Map<String, ServerMessage> messages) {
    this.round = round;
    this.adapterFile = adapterFile;
    this.messages = new HashMap<>(messages);
    this.pending = new LinkedHashSet<>(messages.keySet());
  }

  int round() {
    return round;
  }

  /** Returns the adapter that the clients start from. */
  Path adapterFile() {
    return adapterFile;
  }

  ServerMessage messageFor(String clientId) {
    ServerMessage message = messages.get(clientId);
    if (message == null) {
      throw new IllegalArgumentException(clientId + " is not asked");
    }
    return message;
  }

  boolean isPending(String clientId) {
    return pending.contains(clientId);
  }

  boolean isDone() {
    return pending.isEmpty();
  }

  List<String> pending() {
    return List.copyOf(pending);
  }

  boolean has(String clientId) {
    return outcomes.containsKey(clientId);
  }

  /** Keeps the first outcome of a client that is still pending. */
  boolean finish(String clientId, T outcome) {
    if (!pending.remove(clientId)) {
      return false;
    }
    outcomes.put(clientId, outcome);
    return true;
  }

  List<T> outcomes() {
    return List.copyOf(outcomes.values());
  }
}
