package org.edgefit.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.edgefit.proto.ServerMessage;
import org.jspecify.annotations.Nullable;

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
  private final Set<String> storing = new HashSet<>();
  private final Map<String, T> outcomes = new TreeMap<>();
  private final List<T> untold = new ArrayList<>();

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

  /** Returns a client's outcome, or null while there is none. */
  @Nullable T outcome(String clientId) {
    return outcomes.get(clientId);
  }

  /** Begins to store a client's answer; false if it is not pending, or being stored already. */
  boolean beginStoring(String clientId) {
    return pending.contains(clientId) && storing.add(clientId);
  }

  /** Gives up storing a client's answer, so that it can send it again. */
  void abandonStoring(String clientId) {
    storing.remove(clientId);
  }

  /** Returns the outcomes that came since the last call. */
  List<T> takeUntold() {
    List<T> taken = List.copyOf(untold);
    untold.clear();
    return taken;
  }

  /** Keeps the first outcome of a client that is still pending. */
  boolean finish(String clientId, T outcome) {
    if (!pending.remove(clientId)) {
      return false;
    }
    outcomes.put(clientId, outcome);
    untold.add(outcome);
    return true;
  }

  List<T> outcomes() {
    return List.copyOf(outcomes.values());
  }
}
