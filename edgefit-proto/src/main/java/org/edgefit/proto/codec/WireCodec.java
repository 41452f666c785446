package org.edgefit.proto.codec;

import java.io.IOException;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Config;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.client.Training;
import org.edgefit.file.Json;
import org.edgefit.proto.FileOffer;
import org.edgefit.run.FileRef;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/**
 * Converts between core values and protobuf messages. An invalid value is an {@link
 * IllegalArgumentException} that names it.
 */
public final class WireCodec {

  /** The protocol's version; both sides must have the same. */
  public static final int PROTOCOL = 3;

  private WireCodec() {}

  /** Returns the message of a task. */
  public static org.edgefit.proto.Task toMessage(org.edgefit.federation.Task task) {
    PlannedTask plan = task.plan();
    org.edgefit.proto.Task.Builder message =
        org.edgefit.proto.Task.newBuilder()
            .setTask(plan.id().number())
            .setKind(
                plan.kind() == PlannedTask.Kind.FIT
                    ? org.edgefit.proto.Task.Kind.FIT
                    : org.edgefit.proto.Task.Kind.EVALUATE)
            .setRound(plan.round())
            .setRounds(task.rounds())
            .setAdapter(offer(plan.adapter()))
            .setLora(Json.tree(plan.lora()).toString())
            .setTraining(Json.tree(plan.training()).toString())
            .setConfig(Json.line(plan.config().values()))
            .setSeed(task.seed().value());
    if (plan.tensors() != null) {
      message.setTensors(offer(plan.tensors()));
    }
    if (plan.memory() != null) {
      message.setMemory(plan.memory().number());
    }
    if (plan.horizon() != null) {
      message.setMemoryHorizon(plan.horizon().number());
    }
    return message.build();
  }

  private static FileOffer offer(FileRef file) {
    return FileOffer.newBuilder().setBytes(file.bytes()).setSha256(file.sha256()).build();
  }

  /** Returns a task's id, or null for 0, which stands for none. */
  public static @Nullable TaskId task(long number) {
    return number == 0 ? null : new TaskId(number);
  }

  /** Returns settings as JSON text. */
  public static String toText(RunSettings settings) {
    return Json.tree(settings).toString();
  }

  /** Returns the run's settings. */
  public static RunSettings runSettings(String text) {
    return value(text, RunSettings.class, "settings");
  }

  /** Returns the config of a task's adapter. */
  public static LoraConfig lora(org.edgefit.proto.Task task) {
    return value(task.getLora(), LoraConfig.class, "lora");
  }

  /** Returns a task's hyperparameters. */
  public static Training training(org.edgefit.proto.Task task) {
    return value(task.getTraining(), Training.class, "training");
  }

  /** Returns the values of a task's payload. */
  public static Config config(org.edgefit.proto.Task task) {
    try {
      return Config.of(Json.parse(task.getConfig(), "config"));
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private static <T> T value(String text, Class<T> type, String what) {
    try {
      return Json.value(Json.parse(text, what), type, what);
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Returns the end of a run as a message. */
  public static org.edgefit.proto.Finished toMessage(RunEvent.RunClosed closed) {
    return org.edgefit.proto.Finished.newBuilder()
        .setEnd(org.edgefit.proto.Finished.End.valueOf(closed.end().name()))
        .setDetail(closed.detail())
        .build();
  }
}
