package org.edgefit.federation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.TaskId;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * A pool whose clients and clock are a test's: it notes what it is told, and brings the answers
 * that it was given. A wait for an answer that is not there moves the clock to its end.
 */
public final class FakePool implements ClientPool {

  public final TreeSet<String> present = new TreeSet<>();
  public final List<Task> asked = new ArrayList<>();
  public final List<TaskId> cancelled = new ArrayList<>();
  public final List<RunEvent.RunClosed> ends = new ArrayList<>();
  public final Deque<Answer> answers = new ArrayDeque<>();
  public @Nullable Path memory;
  public Duration now = Duration.ZERO;
  public boolean canGrow;
  private Reaction reaction = task -> {};
  private Idle whenIdle = () -> {};

  /** What a test does when a client is asked. */
  public interface Reaction {
    void asked(Task task) throws IOException;
  }

  /** What a test does when the run waits. */
  public interface Idle {
    void waited() throws IOException;
  }

  /** Makes a pool of clients that are there. */
  public FakePool(String... clients) {
    present.addAll(List.of(clients));
  }

  /** Has {@code newReaction} run at each task that is asked. */
  public FakePool onAsk(Reaction newReaction) {
    reaction = newReaction;
    return this;
  }

  /** Has {@code action} run whenever the run waits, and nothing has come. */
  public FakePool whenIdle(Idle action) {
    whenIdle = action;
    return this;
  }

  /** Returns the ids of the clients that were asked, in order. */
  public List<String> askedClients() {
    return asked.stream().map(Task::clientId).toList();
  }

  /**
   * Has the client of a task change each weight by the same, and returns what that is worth; the
   * answer is the pool's next, unless it came too late.
   */
  public @Nullable Outcome answer(Task task, float change, long examples) throws IOException {
    return answer(task, change, examples, NamedTensors.none(), false);
  }

  /** Has the client of a task answer, with further tensors and perhaps something that it keeps. */
  public @Nullable Outcome answer(
      Task task, float change, long examples, NamedTensors tensors, boolean keepsMemory)
      throws IOException {
    boolean trains = task.plan().kind() == PlannedTask.Kind.FIT;
    AdapterLayout layout = trains ? task.adapter().layout() : new AdapterLayout(List.of());
    boolean isFile = trains || !tensors.isEmpty();
    if (isFile) {
      UpdateFile.write(FakeClient.constant(layout, change), tensors, task.incoming());
    }
    return answer(
        task,
        new Task.Result(
            examples,
            trains ? 10 * examples : 0,
            Map.of("loss", (double) change),
            isFile ? task.incoming() : null,
            null,
            keepsMemory));
  }

  /** Has the client of a task answer with a result. */
  public @Nullable Outcome answer(Task task, Task.Result result) throws IOException {
    Outcome outcome = task.complete(result);
    if (outcome != null) {
      answers.add(new Answer(task.id(), outcome));
    }
    return outcome;
  }

  /** Has a task fail at its client. */
  public void fail(Task task, String reason) {
    answers.add(new Answer(task.id(), new Outcome.Failed(task.id(), task.clientId(), reason)));
  }

  @Override
  public void begin(Path newMemory, Duration elapsed) {
    memory = newMemory;
    now = elapsed;
  }

  @Override
  public Duration now() {
    return now;
  }

  @Override
  public List<ClientInfo> available() {
    return present.stream().map(id -> new ClientInfo(id, Map.of())).toList();
  }

  private void idle() {
    try {
      whenIdle.waited();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean await(int minimum, Duration timeout) {
    if (present.size() < minimum) {
      idle();
    }
    return present.size() >= minimum;
  }

  @Override
  public boolean canGrow() {
    return canGrow;
  }

  @Override
  public void ask(Task task) {
    asked.add(task);
    try {
      reaction.asked(task);
    } catch (IOException e) {
      fail(task, "the test's client: " + e.getMessage());
    }
  }

  @Override
  public @Nullable Answer next(Duration limit) {
    if (answers.isEmpty()) {
      now = now.plus(limit);
      idle();
    }
    return answers.poll();
  }

  @Override
  public void cancel(TaskId task) {
    cancelled.add(task);
  }

  @Override
  public void end(RunEvent.RunClosed end) {
    ends.add(end);
  }
}
