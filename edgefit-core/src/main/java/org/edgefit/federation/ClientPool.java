package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.edgefit.client.TaskId;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * The clients of a federation, wherever they run. A pool sends tasks and delivers results; the
 * federation handles deadlines, quorum and validation. One thread calls a pool's methods.
 */
public interface ClientPool {

  /**
   * Begins or resumes a run.
   *
   * @param memory the state folders of clients in this JVM
   * @param elapsed the run's uptime so far
   */
  void begin(Path memory, Duration elapsed);

  /** Returns the run's uptime, on the clock used for deadlines. */
  Duration now();

  /** Returns the available clients, sorted by id. */
  List<ClientInfo> available();

  /**
   * Waits until at least {@code minimum} clients are available.
   *
   * @return whether they are; false after {@code timeout}, or at once if the pool cannot grow
   */
  boolean await(int minimum, Duration timeout) throws InterruptedException;

  /** Returns whether more clients can join. */
  boolean canGrow();

  /**
   * Sends a client a task. Its result or failure comes from {@link #next}, unless the task is
   * cancelled; for an unknown client it is a failure.
   */
  void ask(Task task);

  /**
   * Returns the next answer of any client.
   *
   * @param limit how long to wait
   * @return null if there is none in that time
   */
  @Nullable Answer next(Duration limit) throws InterruptedException;

  /** Cancels a task; a later result of it no longer counts. */
  void cancel(TaskId task);

  /** Called when the run has ended; a network pool informs its clients. */
  default void end(RunEvent.RunClosed end) {}
}
