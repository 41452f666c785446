package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.RunSettings;
import org.edgefit.random.Seed;
import org.edgefit.run.PlannedTask;

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
    return new Task(
        plan,
        2,
        FakeClient.start(),
        NamedTensors.none(),
        RunSettings.defaults(),
        new Seed(1),
        adapterFile,
        null,
        incoming,
        1 << 20,
        asked,
        asked.plus(Duration.ofDays(1)),
        completion,
        fetched);
  }
}
