package org.edgefit.federation;

import java.util.List;
import java.util.Map;
import org.edgefit.client.Config;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.run.FileRef;
import org.edgefit.run.PlannedTask;

/** Plans of tasks, for tests of what becomes of them. */
public final class PlannedTasks {

  /** The file that plans name as their adapter; it need not be there. */
  public static final FileRef ADAPTER = new FileRef("adapter", 1_000_000, "ad".repeat(32));

  private PlannedTasks() {}

  /** Returns a plan to train in round 1. */
  public static PlannedTask fit(long id, String client) {
    return of(id, 1, PlannedTask.Kind.FIT, client);
  }

  /** Returns a plan to evaluate in round 1. */
  public static PlannedTask evaluate(long id, String client) {
    return of(id, 1, PlannedTask.Kind.EVALUATE, client);
  }

  /** Returns a plan whose adapter is {@link #ADAPTER}, and which expects nothing more. */
  public static PlannedTask of(long id, int round, PlannedTask.Kind kind, String client) {
    return of(id, round, kind, client, List.of());
  }

  /** Returns a plan that expects groups of tensors. */
  public static PlannedTask of(
      long id, int round, PlannedTask.Kind kind, String client, List<String> expected) {
    return new PlannedTask(
        new TaskId(id),
        round,
        kind,
        client,
        ADAPTER,
        FakeClient.LORA,
        Training.defaults(),
        Config.none(),
        null,
        expected,
        null,
        null,
        Map.of());
  }
}
