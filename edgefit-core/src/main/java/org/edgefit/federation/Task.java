package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.Payload;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.random.Seed;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.jspecify.annotations.Nullable;

/** A task for one client, as a pool sees it. */
public final class Task {

  private final PlannedTask plan;
  private final int rounds;
  private final Adapter adapter;
  private final NamedTensors tensors;
  private final RunSettings run;
  private final Seed seed;
  private final Path adapterFile;
  private final @Nullable Path tensorsFile;
  private final Path incoming;
  private final long maxBytes;
  private final Duration asked;
  private final Duration deadline;
  private final Completion completion;
  private final AtomicLong fetched;

  /** Validates a result; any thread may call it. */
  @FunctionalInterface
  public interface Completion {

    /** Returns the outcome of a result; null if it is late. */
    @Nullable Outcome complete(Task task, Result result) throws IOException;
  }

  Task(
      PlannedTask plan,
      int rounds,
      Adapter adapter,
      NamedTensors tensors,
      RunSettings run,
      Seed seed,
      Path adapterFile,
      @Nullable Path tensorsFile,
      Path incoming,
      long maxBytes,
      Duration asked,
      Duration deadline,
      Completion completion,
      AtomicLong fetched) {
    this.plan = plan;
    this.rounds = rounds;
    this.adapter = adapter;
    this.tensors = tensors;
    this.run = run;
    this.seed = seed;
    this.adapterFile = adapterFile;
    this.tensorsFile = tensorsFile;
    this.incoming = incoming;
    this.maxBytes = maxBytes;
    this.asked = asked;
    this.deadline = deadline;
    this.completion = completion;
    this.fetched = fetched;
  }

  /**
   * A client's result.
   *
   * @param examples the client's reported number of examples
   * @param labelTokens the client's reported label tokens of one epoch
   * @param metrics what the client measured, as it says
   * @param tensors the file of its tensors, which lies at {@link Task#incoming}; null if it sent
   *     none
   * @param sha256 the hash of that file, if it is known
   * @param keepsMemory whether the client has new state
   */
  public record Result(
      long examples,
      long labelTokens,
      Map<String, Double> metrics,
      @Nullable Path tensors,
      @Nullable String sha256,
      boolean keepsMemory) {}

  /** Returns this task with another completion, for a pool that wraps another. */
  public Task completedBy(Completion newCompletion) {
    return new Task(
        plan,
        rounds,
        adapter,
        tensors,
        run,
        seed,
        adapterFile,
        tensorsFile,
        incoming,
        maxBytes,
        asked,
        deadline,
        newCompletion,
        fetched);
  }

  /** Returns the task's id. */
  public TaskId id() {
    return plan.id();
  }

  /** Returns the id of the client that is asked. */
  public String clientId() {
    return plan.clientId();
  }

  /** Returns the task as logged. */
  public PlannedTask plan() {
    return plan;
  }

  /** Returns the rounds of the run. */
  public int rounds() {
    return rounds;
  }

  /** Returns the client's randomness. */
  public Seed seed() {
    return seed;
  }

  /** Returns what a client is asked to train, without its memory. */
  public FitInstruction fit() {
    return new FitInstruction(
        plan.id(),
        plan.round(),
        rounds,
        adapter,
        run,
        plan.training(),
        seed,
        new Payload(tensors, plan.config()),
        NamedTensors.none());
  }

  /** Returns what a client is asked to evaluate, without its memory. */
  public EvaluateInstruction evaluate() {
    return new EvaluateInstruction(
        plan.id(),
        plan.round(),
        adapter,
        run,
        new Payload(tensors, plan.config()),
        NamedTensors.none());
  }

  /** Returns the adapter that the client starts from. */
  Adapter adapter() {
    return adapter;
  }

  /** Returns the file of the adapter that the client starts from. */
  public Path adapterFile() {
    return adapterFile;
  }

  /** Returns the file of the payload's tensors; null if there are none. */
  public @Nullable Path tensorsFile() {
    return tensorsFile;
  }

  /** Notes that the client has fetched a file of the task. Any thread may call it. */
  public void fetched(FileRef file) {
    fetched.addAndGet(file.bytes());
  }

  /** Returns where the tensors of the answer are to be written before it is completed. */
  public Path incoming() {
    return incoming;
  }

  /** Returns the most bytes that the tensors of an answer may take. */
  public long maxBytes() {
    return maxBytes;
  }

  /** Returns when the client was asked, by the pool's clock. */
  public Duration asked() {
    return asked;
  }

  /** Returns the task's deadline, by the pool's clock. */
  public Duration deadline() {
    return deadline;
  }

  /**
   * Submits the client's result: it is validated, and a usable outcome is logged before this
   * returns. Any thread may call it.
   *
   * @return the outcome; null if the result is late and was discarded
   * @throws IOException if the run cannot store it, which ends the run
   */
  public @Nullable Outcome complete(Result result) throws IOException {
    return completion.complete(this, result);
  }
}
