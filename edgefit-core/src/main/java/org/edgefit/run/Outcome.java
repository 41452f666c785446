package org.edgefit.run;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.edgefit.client.TaskId;
import org.jspecify.annotations.Nullable;

/** How a client's task ended, as a run keeps it. */
public sealed interface Outcome {

  /** Returns the task. */
  TaskId task();

  /** Returns the client's id. */
  String clientId();

  /** Returns the outcome's name: trained, evaluated, failed, timed out or rejected. */
  String name();

  /** Returns the reason, or what was dropped from a result. */
  String detail();

  /** Returns the records trained or evaluated on; 0 if it failed. */
  default long examples() {
    return 0;
  }

  /** Returns the label tokens of one epoch; 0 if it did not train. */
  default long labelTokens() {
    return 0;
  }

  /** Returns what the client measured. */
  default Map<String, Double> metrics() {
    return Map.of();
  }

  /** Returns the bytes of tensors that it sent, whether they were used or not. */
  default long bytes() {
    return 0;
  }

  /** Returns whether the client's answer counts. */
  default boolean isUsable() {
    return this instanceof Trained || this instanceof Evaluated;
  }

  /**
   * The client trained.
   *
   * @param task the task
   * @param clientId the client's id
   * @param examples the records trained on
   * @param labelTokens the tokens learned in one pass over them
   * @param metrics what the client measured
   * @param update the file of its delta
   * @param keepsMemory whether it keeps something for its next task
   * @param notes what was left out of its answer
   */
  record Trained(
      TaskId task,
      String clientId,
      long examples,
      long labelTokens,
      Map<String, Double> metrics,
      FileRef update,
      boolean keepsMemory,
      List<String> notes)
      implements Outcome {
    @Override
    public String name() {
      return "trained";
    }

    @Override
    public String detail() {
      return String.join("; ", notes);
    }

    @Override
    public long bytes() {
      return update.bytes();
    }
  }

  /**
   * The client evaluated.
   *
   * @param task the task
   * @param clientId the client's id
   * @param examples the records evaluated
   * @param metrics the measures by name
   * @param update the file of the tensors that it sent, or null if there are none
   * @param notes what was left out of its answer
   */
  record Evaluated(
      TaskId task,
      String clientId,
      long examples,
      Map<String, Double> metrics,
      @Nullable FileRef update,
      List<String> notes)
      implements Outcome {
    @Override
    public String name() {
      return "evaluated";
    }

    @Override
    public String detail() {
      return String.join("; ", notes);
    }

    @Override
    public long bytes() {
      return update == null ? 0 : update.bytes();
    }
  }

  /**
   * The client failed, disconnected, or was unreachable.
   *
   * @param task the task
   * @param clientId the client's id
   * @param reason what happened
   */
  record Failed(TaskId task, String clientId, String reason) implements Outcome {
    @Override
    public String name() {
      return "failed";
    }

    @Override
    public String detail() {
      return reason;
    }
  }

  /**
   * The client did not answer in time.
   *
   * @param task the task
   * @param clientId the client's id
   * @param waited the deadline
   */
  record TimedOut(TaskId task, String clientId, Duration waited) implements Outcome {
    @Override
    public String name() {
      return "timed out";
    }

    @Override
    public String detail() {
      return "no answer in " + waited.toMillis() / 1e3 + " s";
    }
  }

  /**
   * The client's answer is not usable.
   *
   * @param task the task
   * @param clientId the client's id
   * @param reason what is wrong with it
   * @param bytes the bytes that it sent
   */
  record Rejected(TaskId task, String clientId, String reason, long bytes) implements Outcome {
    @Override
    public String name() {
      return "rejected";
    }

    @Override
    public String detail() {
      return reason;
    }
  }
}
