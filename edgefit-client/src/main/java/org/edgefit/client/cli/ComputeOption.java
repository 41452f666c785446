package org.edgefit.client.cli;

import ai.djl.Device;
import java.util.Locale;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.qlora.ComputeOptions;
import org.edgefit.format.model.ModelConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a client computes its training. */
final class ComputeOption {

  /** The matmul dtypes to choose from. */
  enum Type {
    FLOAT32,
    BFLOAT16,
    AUTO
  }

  @Option(
      names = "--compute",
      description =
          "dtype of matmuls and activations: ${COMPLETION-CANDIDATES}; auto benchmarks both"
              + " (default: float32)")
  private Type type = Type.FLOAT32;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description =
          "memory limit of the process, for example 6.5G: layers whose activations do not fit use"
              + " activation checkpointing (default: no limit)")
  private @Nullable String memory;

  /** Returns the choice without measuring; null where it is auto. */
  @Nullable ComputeType fixedType() {
    return type == Type.AUTO ? null : ComputeType.valueOf(type.name());
  }

  /** Returns the budget in bytes; 0 for none. */
  long memoryBytes() {
    return memory == null ? 0 : MachineOptions.bytes("--memory", memory);
  }

  /** Returns the options for a model on a device, and says on standard error what was measured. */
  ComputeOptions forModel(ModelConfig config, Device device) {
    ComputeType chosen = fixedType();
    if (chosen == null) {
      ComputeProbe probe = ComputeProbe.measure(config, device);
      chosen = probe.choice();
      System.err.printf(
          Locale.ROOT,
          "compute: %s (bfloat16 multiplies %.2f times as fast as float32 here)%n",
          chosen.name().toLowerCase(Locale.ROOT),
          probe.bfloat16Speedup());
    } else {
      try {
        ComputeProbe.require(chosen, device);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("--" + e.getMessage(), e);
      }
      ComputeProbe probe = ComputeProbe.of(device);
      if (chosen != probe.choice()) {
        System.err.printf(
            Locale.ROOT,
            "compute: %s (bfloat16 multiplies %.2f times as fast as float32 here)%n",
            chosen.name().toLowerCase(Locale.ROOT),
            probe.bfloat16Speedup());
      }
    }
    return new ComputeOptions(chosen, memoryBytes());
  }
}
