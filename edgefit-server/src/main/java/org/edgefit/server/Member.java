package org.edgefit.server;

import io.grpc.stub.StreamObserver;
import java.util.Map;
import org.edgefit.proto.ServerMessage;
import org.jspecify.annotations.Nullable;

/** A client that has joined, connected or not. Guarded by the lock of {@link GrpcClients}. */
final class Member {

  private final String id;
  private final long instance;
  private final Map<String, String> description;
  private @Nullable StreamObserver<ServerMessage> session;
  private long lostSince;

  Member(
      String id,
      long instance,
      Map<String, String> description,
      StreamObserver<ServerMessage> session) {
    this.id = id;
    this.instance = instance;
    this.description = Map.copyOf(description);
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

  boolean isConnected() {
    return session != null;
  }

  boolean hasSession(StreamObserver<ServerMessage> other) {
    return session == other;
  }

  /** Returns for how many nanoseconds the client has been lost. */
  long lostFor() {
    return session != null ? 0 : System.nanoTime() - lostSince;
  }

  void lose() {
    session = null;
    lostSince = System.nanoTime();
  }

  /** Sends a message if the client is connected. */
  void send(ServerMessage message) {
    if (session != null) {
      session.onNext(message);
    }
  }

  /** Ends the session. */
  void dismiss(ServerMessage last) {
    if (session != null) {
      session.onNext(last);
      session.onCompleted();
      session = null;
    }
  }
}
