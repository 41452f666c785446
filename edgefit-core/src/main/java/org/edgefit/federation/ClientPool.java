package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.edgefit.client.TaskId;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * The clients that a federation can ask, wherever they run. A pool asks and brings answers;
 * deadlines, quorum and what an answer is worth are the federation's. One thread calls a pool's
 * methods.
 */
public interface ClientPool {

  /**
   * Begins a run, or goes on with one.
   *
   * @param memory where what clients in this JVM keep lies, a folder per client
   * @param elapsed for how long the run has been up before
   */
  void begin(Path memory, Duration elapsed);

  /** Returns for how long the run has been up, by the clock that deadlines go by. */
  Duration now();

  /** Returns the clients that can be asked now, sorted by id. */
  List<ClientInfo> available();

  /**
   * Waits until at least {@code minimum} clients are available.
   *
   * @return whether they are; false after {@code timeout}, or at once if the pool cannot grow
   */
  boolean await(int minimum, Duration timeout) throws InterruptedException;

  /** Returns whether clients can come that are not there yet. */
  boolean canGrow();

  /**
   * Asks a client. An answer, or that there will be none, comes from {@link #next}, unless the task
   * is cancelled; a client that the pool does not know is answered for as one that failed.
   */
  void ask(Task task);

  /**
   * Returns the next answer, whoever gave it.
   *
   * @param limit how long to wait
   * @return null if there is none in that time
   */
  @Nullable Answer next(Duration limit) throws InterruptedException;

  /** Sends a client home: its task is over, and an answer to it no longer counts. */
  void cancel(TaskId task);

  /** Is told how the run ends, once that is settled; clients behind a network are told in turn. */
  default void end(RunEvent.RunClosed end) {}
}
