package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.edgefit.client.ClientId;
import org.edgefit.client.ClientText;
import org.edgefit.federation.ClientInfo;
import org.edgefit.proto.Finished;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.codec.WireCodec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The clients that have joined, connected or not. Guarded by the lock of {@link GrpcClients}. */
final class Members {

  private static final Logger log = LoggerFactory.getLogger(Members.class);

  private static final int MOST_TASKS = 64;
  private static final int MOST_PROPERTIES = 32;
  private static final int MOST_KEY = 64;
  private static final int MOST_VALUE = 256;
  private static final int MOST_CHARACTERS = 2048;
  private static final int MOST_MEMBERS = 20_000;

  private final RunTerms terms;
  private final TreeMap<String, Member> members = new TreeMap<>();
  private @Nullable String baseModelHash;

  Members(RunTerms terms) {
    this.terms = terms;
    this.baseModelHash = terms.baseModelHash();
  }

  /** Returns the content hash of the run's base model, or null if no client has joined yet. */
  @Nullable String baseModelHash() {
    return baseModelHash;
  }

  /** Returns the clients that have joined. */
  Collection<Member> all() {
    return members.values();
  }

  /** Returns a client that has joined, or null. */
  @Nullable Member find(String id) {
    return members.get(id);
  }

  /** Returns whether this process of a client has joined. */
  boolean has(String id, long instance) {
    Member member = members.get(id);
    return member != null && member.instance() == instance;
  }

  /** Returns the clients that are connected. */
  List<ClientInfo> connected() {
    List<ClientInfo> connected = new ArrayList<>();
    for (Member member : members.values()) {
      if (member.isConnected()) {
        connected.add(new ClientInfo(member.id(), member.description()));
      }
    }
    return connected;
  }

  /** Returns whether a client has joined that was not told yet how the run ended. */
  boolean anyUntold() {
    return members.values().stream().anyMatch(member -> !member.isTold());
  }

  /** Ends all sessions. */
  void dismiss(Finished finished) {
    ServerMessage last = ServerMessage.newBuilder().setFinished(finished).build();
    members.values().forEach(member -> member.dismiss(last));
  }

  /** Returns why a client is rejected, or null. */
  @Nullable Status refusal(Join join) {
    if (join.getProtocol() != WireCodec.PROTOCOL) {
      return Status.FAILED_PRECONDITION.withDescription(
          "protocol: " + join.getProtocol() + " (expected: " + WireCodec.PROTOCOL + ")");
    }
    String id;
    try {
      id = ClientId.require(ClientText.shown(join.getClientId(), 80));
    } catch (IllegalArgumentException e) {
      return Status.INVALID_ARGUMENT.withDescription(e.getMessage());
    }
    if (!join.getRunId().isEmpty() && !join.getRunId().equals(terms.runId())) {
      return Status.FAILED_PRECONDITION.withDescription(
          "run: "
              + ClientText.shown(join.getRunId(), 80)
              + " (expected: "
              + terms.runId()
              + ", this server's run)");
    }
    if (join.getTasksCount() > MOST_TASKS) {
      return Status.INVALID_ARGUMENT.withDescription(
          "tasks: " + join.getTasksCount() + " (expected: at most " + MOST_TASKS + ")");
    }
    String described = faultOf(join.getDescriptionMap());
    if (described != null) {
      return Status.INVALID_ARGUMENT.withDescription("description: " + described);
    }
    Member known = members.get(id);
    if (known == null && members.size() >= MOST_MEMBERS) {
      return Status.RESOURCE_EXHAUSTED.withDescription(
          "clients: " + members.size() + " have joined, which is the maximum");
    }
    if (known != null && known.isConnected() && known.instance() != join.getInstance()) {
      return Status.ALREADY_EXISTS.withDescription(
          "client id: " + id + " is in use by another connected client");
    }
    if (baseModelHash != null && !baseModelHash.equals(join.getBaseModelHash())) {
      return Status.FAILED_PRECONDITION.withDescription(
          "base model: "
              + ClientText.shown(join.getBaseModelHash(), 80)
              + " (expected: "
              + baseModelHash
              + ", the run's)");
    }
    if (!join.getBaseModelHash().matches("[0-9a-f]{64}")) {
      return Status.INVALID_ARGUMENT.withDescription(
          "base model: "
              + ClientText.shown(join.getBaseModelHash(), 80)
              + " (expected: 64 hexadecimal digits)");
    }
    return null;
  }

  private static @Nullable String faultOf(Map<String, String> description) {
    if (description.size() > MOST_PROPERTIES) {
      return description.size() + " properties (expected: at most " + MOST_PROPERTIES + ")";
    }
    long characters = 0;
    for (Map.Entry<String, String> property : description.entrySet()) {
      characters += property.getKey().length() + property.getValue().length();
      if (property.getKey().length() > MOST_KEY || property.getValue().length() > MOST_VALUE) {
        return "a property of "
            + property.getKey().length()
            + " + "
            + property.getValue().length()
            + " characters (expected: at most "
            + MOST_KEY
            + " + "
            + MOST_VALUE
            + ")";
      }
    }
    return characters > MOST_CHARACTERS
        ? characters + " characters (expected: at most " + MOST_CHARACTERS + ")"
        : null;
  }

  /** Forgets clients that have left, but for some; one that comes back joins again. */
  void forgetLost(Predicate<String> isNeeded) {
    members.values().removeIf(member -> !member.isConnected() && !isNeeded.test(member.id()));
  }

  /** Takes in a client that is not refused, and returns it. */
  Member add(Join join, StreamObserver<ServerMessage> session) {
    String id = join.getClientId();
    if (baseModelHash == null) {
      baseModelHash = join.getBaseModelHash();
      log.info("base model of the run: {}, from {}", baseModelHash, id);
    }
    Map<String, String> description = new TreeMap<>();
    join.getDescriptionMap()
        .forEach(
            (key, value) ->
                description.put(
                    ClientText.shown(key, MOST_KEY), ClientText.shown(value, MOST_VALUE)));
    Member member = new Member(id, join.getInstance(), description, join.getTasksList(), session);
    log.info("{} {}", id, members.put(id, member) == null ? "joined" : "is back");
    return member;
  }

  /** Notes that a session ended; returns whether it was a client's present one. */
  boolean lose(String id, StreamObserver<ServerMessage> session) {
    Member member = members.get(id);
    if (member == null || !member.hasSession(session)) {
      return false;
    }
    member.lose();
    log.info("{}: disconnected", id);
    return true;
  }
}
