package org.edgefit.server;

import io.grpc.stub.StreamObserver;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import org.edgefit.proto.ServerMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A client that has joined, connected or not. Guarded by the lock of {@link GrpcClients}. */
final class Member {

  private static final Logger log = LoggerFactory.getLogger(Member.class);

  private final String id;
  private final long instance;
  private final Map<String, String> description;
  private final Set<Long> tasks;
  private @Nullable StreamObserver<ServerMessage> session;
  private long lostSince;
  private boolean isTold;

  Member(
      String id,
      long instance,
      Map<String, String> description,
      Collection<Long> tasks,
      StreamObserver<ServerMessage> session) {
    this.id = id;
    this.instance = instance;
    this.description = Map.copyOf(description);
    this.tasks = Set.copyOf(tasks);
    this.session = session;
  }

  String id() {
    return id;
  }

  long instance() {
    return instance;
  }

  Map<String, String> description() {
    return description;
  }

  /** Returns its tasks that were running or unsent when it joined. */
  Set<Long> tasks() {
    return tasks;
  }

  boolean isConnected() {
    return session != null;
  }

  boolean hasSession(StreamObserver<ServerMessage> other) {
    return session == other;
  }

  /** Returns for how many nanoseconds the client has been lost, of those since a time. */
  long lostForSince(long nanos) {
    long since = lostSince - nanos > 0 ? lostSince : nanos;
    return session != null ? 0 : System.nanoTime() - since;
  }

  void lose() {
    session = null;
    lostSince = System.nanoTime();
  }

  /** Sends a message if the client is connected. */
  void send(ServerMessage message) {
    if (session != null) {
      try {
        session.onNext(message);
      } catch (RuntimeException e) { // its connection has just broken, which is told elsewhere
        log.debug("{}: not sent", id, e);
      }
    }
  }

  /** Returns whether the client was told how the run ended. */
  boolean isTold() {
    return isTold;
  }

  /** Ends the session with a last message. */
  void dismiss(ServerMessage last) {
    send(last);
    if (session != null) {
      isTold = true;
      try {
        session.onCompleted();
      } catch (RuntimeException e) {
        log.debug("{}: already closed", id, e);
      }
      session = null;
    }
  }
}
