package org.edgefit.client.cli;

import org.edgefit.client.model.TorchKernels;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a client chooses for its own machine. */
final class MachineOptions {

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "threads of one operation (default: one per core); several clients on one machine are"
              + " fastest with 1; results are the same to the bit for the same number")
  private @Nullable Integer threads;

  /** Sets the threads. */
  void apply() {
    TorchKernels.setThreads(threads == null ? Runtime.getRuntime().availableProcessors() : threads);
  }
}
