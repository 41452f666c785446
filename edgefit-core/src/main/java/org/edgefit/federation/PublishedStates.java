package org.edgefit.federation;

import java.io.IOException;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.run.FileRef;
import org.edgefit.run.PlannedTask;
import org.edgefit.run.RoundSummary;
import org.edgefit.run.RunDirectory;
import org.edgefit.strategy.ServerState;
import org.jspecify.annotations.Nullable;

/** The state after each round, stored in the run directory. */
final class PublishedStates {

  private final RunDirectory directory;
  private final String baseModel;

  PublishedStates(RunDirectory directory, String baseModel) {
    this.directory = directory;
    this.baseModel = baseModel;
  }

  /** Writes the state after a round, and returns it mapped. */
  ServerState write(int round, ServerState next) throws IOException {
    Adapter written = directory.writeAdapter(round, next.adapter(), baseModel);
    if (isMore(next)) {
      directory.writeState(round, next.tensors(), next.values());
    }
    return next.with(written);
  }

  private static boolean isMore(ServerState state) {
    return !state.tensors().isEmpty() || !state.values().values().isEmpty();
  }

  /** Returns the file of what a state holds beside the adapter; null if that is nothing. */
  @Nullable FileRef more(int round, ServerState state) throws IOException {
    return isMore(state) ? directory.refer(directory.stateFile(round)) : null;
  }

  /** Maps the state after a round that is closed. */
  ServerState read(RoundSummary round) throws IOException {
    Adapter adapter = adapter(round);
    FileRef file = round.state();
    return file == null
        ? ServerState.of(adapter)
        : new ServerState(adapter, directory.readTensors(file), directory.readValues(file));
  }

  /** Maps the adapter after a round that is closed. */
  Adapter adapter(RoundSummary round) throws IOException {
    Adapter read = PeftAdapter.read(directory.adapterDirectory(round.round()));
    return directory.readAdapter(round.adapter(), read.config());
  }

  /** Checks the initial adapter against the run's. */
  void requireFirst(Adapter initial) throws IOException {
    Adapter first = PeftAdapter.read(directory.adapterDirectory(0));
    initial.layout().requireSame(first.layout());
    for (int t = 0; t < initial.layout().tensors().size(); t++) {
      if (!initial.tensor(t).equals(first.tensor(t))) {
        throw new IOException(
            directory.path()
                + ": adapter: "
                + initial.layout().tensors().get(t).name()
                + ": other values (expected: the run's initial adapter)");
      }
    }
  }

  /** Checks that re-aggregating a round gives the adapter that its clients evaluate. */
  void requireSame(int round, List<PlannedTask> evaluations) throws IOException {
    for (PlannedTask task : evaluations) {
      if (!directory.isSound(task.adapter())) {
        throw new IOException(
            directory.path()
                + ": round "
                + round
                + ": the same updates gave another adapter (expected: SHA-256 "
                + task.adapter().sha256()
                + ", which clients evaluate); strategy not deterministic");
      }
    }
  }
}
