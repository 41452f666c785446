package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.RunSettings;
import org.edgefit.random.Seed;
import org.edgefit.run.PlannedTask;
import org.jspecify.annotations.Nullable;

/** Tasks as a federation makes them, for what is asked of them elsewhere. */
public final class FakeTask {

  private FakeTask() {}

  /**
   * Returns a task of a run of two rounds with the adapter of {@link FakeClient#start}, which has a
   * day.
   */
  public static Task of(
      PlannedTask plan,
      Path adapterFile,
      Path incoming,
      Duration asked,
      Task.Completion completion) {
    return of(plan, adapterFile, incoming, asked, completion, new AtomicLong());
  }

  static Task of(
      PlannedTask plan,
      Path adapterFile,
      Path incoming,
      Duration asked,
      Task.Completion completion,
      AtomicLong fetched) {
    return of(plan, adapterFile, null, incoming, asked, completion, fetched);
  }

  /**
   * Returns such a task that has further tensors.
   *
   * @param fetched where what the client fetches is counted
   */
  public static Task of(
      PlannedTask plan,
      Path adapterFile,
      @Nullable Path tensorsFile,
      Path incoming,
      Duration asked,
      Task.Completion completion,
      AtomicLong fetched) {
    return new Task(
        plan,
        2,
        FakeClient.start(),
        NamedTensors.none(),
        RunSettings.defaults(),
        new Seed(1),
        adapterFile,
        tensorsFile,
        incoming,
        1 << 20,
        asked,
        asked.plus(Duration.ofDays(1)),
        completion,
        fetched);
  }
}
