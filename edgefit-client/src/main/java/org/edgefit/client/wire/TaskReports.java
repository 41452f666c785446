package org.edgefit.client.wire;

import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.edgefit.client.ClientText;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.TaskFailed;
import org.jspecify.annotations.Nullable;

/** Tells the server of tasks that failed, now or when the client has joined again. */
final class TaskReports implements TaskRunner.Reports {
  private final List<ClientMessage> unsent = new ArrayList<>(); // guarded by this
  private @Nullable StreamObserver<ClientMessage> session; // guarded by this
  private final Consumer<Throwable> broken;

  /**
   * Makes reports.
   *
   * @param broken is told if the client could not be made
   */
  TaskReports(Consumer<Throwable> broken) {
    this.broken = broken;
  }

  @Override
  public void broken(Throwable cause) {
    broken.accept(cause);
  }

  @Override
  public synchronized void failed(long task, String reason) {
    ClientMessage message =
        ClientMessage.newBuilder()
            .setTaskFailed(
                TaskFailed.newBuilder().setTask(task).setReason(ClientText.shown(reason)))
            .build();
    if (session == null) {
      unsent.add(message);
    } else {
      session.onNext(message);
    }
  }

  /** Makes a session the one that reports go to, and sends those that found none. */
  synchronized void connected(StreamObserver<ClientMessage> stream) {
    session = stream;
    unsent.forEach(stream::onNext);
    unsent.clear();
  }

  synchronized void disconnected() {
    session = null;
  }
}
