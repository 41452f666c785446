package org.edgefit.federation;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.client.ClientText;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.run.FileRef;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RunDirectory;
import org.jspecify.annotations.Nullable;

/** Validates a client's result before it is used. */
final class AnswerCheck {

  private static final AdapterLayout NO_CHANGE = new AdapterLayout(List.of());

  private final RunDirectory directory;
  private final long maxExamples;
  private final long maxLabelTokens;

  AnswerCheck(RunDirectory directory, long maxExamples, long maxLabelTokens) {
    this.directory = directory;
    this.maxExamples = maxExamples;
    this.maxLabelTokens = maxLabelTokens;
  }

  /** Returns what is wrong with an answer, or null. Its tensors are read once, where they lie. */
  @Nullable String fault(Task task, Task.Result result) throws IOException {
    String counted = countFault("examples", result.examples(), maxExamples);
    boolean trains = task.plan().kind() == PlannedTask.Kind.FIT;
    if (counted == null && trains) {
      counted = countFault("labelTokens", result.labelTokens(), maxLabelTokens);
    }
    if (counted != null) {
      return counted;
    }
    Path file = result.tensors();
    if (file == null) {
      List<String> expected = task.plan().expected();
      return trains
          ? "update: none (expected: the adapter's change)"
          : expected.isEmpty() ? null : "tensors: none (expected: " + expected + ")";
    }
    AdapterLayout layout = task.adapter().layout();
    try (UpdateFile update = UpdateFile.open(file, trains ? layout : NO_CHANGE)) {
      update.requireGroups(task.plan().expected(), layout);
      update.requireFinite();
      update.extra(); // as the strategy will read them
      return null;
    } catch (IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    } catch (IOException e) { // the file is not what it should be, and its path is not the client's
      String message = String.valueOf(e.getMessage());
      return message.replace(file.toString(), "update");
    }
  }

  private static @Nullable String countFault(String what, long count, long most) {
    return count >= 1 && count <= most
        ? null
        : what + ": " + count + " (expected: 1 to " + most + ")";
  }

  /** Gives the tensors of a usable answer their place, durably, and returns the outcome. */
  Outcome accept(Task task, Task.Result result) throws IOException {
    Metrics metrics = Metrics.of(result.metrics());
    PlannedTask plan = task.plan();
    FileRef update = null;
    Path file = result.tensors();
    if (file != null) {
      Path place = directory.answerFile(plan.round(), plan.kind(), plan.clientId());
      String sha256 = result.sha256() == null ? Sha256.of(file) : result.sha256();
      DurableFiles.publish(file, place);
      update = directory.refer(place, sha256);
    }
    if (update != null && plan.kind() == PlannedTask.Kind.FIT) {
      return new Outcome.Trained(
          plan.id(),
          plan.clientId(),
          result.examples(),
          result.labelTokens(),
          metrics.values(),
          update,
          result.keepsMemory(),
          metrics.dropped());
    }
    return new Outcome.Evaluated(
        plan.id(), plan.clientId(), result.examples(), metrics.values(), update, metrics.dropped());
  }

  /** Sets the tensors of an unusable answer aside, and returns the outcome. */
  Outcome reject(Task task, Task.Result result, String fault) throws IOException {
    PlannedTask plan = task.plan();
    Path file = result.tensors();
    long bytes = 0;
    if (file != null) {
      bytes = Files.size(file);
      Path place = directory.answerFile(plan.round(), plan.kind(), plan.clientId());
      DurableFiles.publish(file, place);
      RunDirectory.setAside(place);
    }
    return new Outcome.Rejected(plan.id(), plan.clientId(), ClientText.shown(fault), bytes);
  }
}
