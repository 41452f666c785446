package org.edgefit.client.cli;

import ai.djl.Device;
import java.util.Locale;
import org.edgefit.client.engine.TorchEngine;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Machine-local options of a client. */
final class MachineOptions {

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "intra-op threads (default: one per core); several clients on one machine are fastest"
              + " with 1; results are bit-identical for the same number")
  private @Nullable Integer threads;

  @Mixin private DeviceOption device = new DeviceOption();

  /** Returns the device to load the base model on. */
  Device device() {
    return device.device();
  }

  /** Sets the threads, and checks that the device exists. */
  void apply() {
    TorchEngine.setThreads(threads == null ? Runtime.getRuntime().availableProcessors() : threads);
    Device device = device();
    try {
      TorchEngine.newManager(device).close();
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException("--device: not found: " + e.getMessage(), e);
    }
  }

  /** Returns a number of bytes, which may end in K, M or G for powers of 1024. */
  static long bytes(String option, String text) {
    String digits = text.toUpperCase(Locale.ROOT).replaceFirst("I?B$", "");
    int shift =
        switch (digits.isEmpty() ? ' ' : digits.charAt(digits.length() - 1)) {
          case 'K' -> 10;
          case 'M' -> 20;
          case 'G' -> 30;
          default -> 0;
        };
    try {
      if (!digits.matches("[0-9.]+[KMG]?")) {
        throw new NumberFormatException(digits);
      }
      double number =
          Double.parseDouble(shift == 0 ? digits : digits.substring(0, digits.length() - 1));
      double bytes = number * (1L << shift);
      if (bytes >= 1 && bytes < Long.MAX_VALUE) {
        return (long) bytes;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        option + ": " + text + " (expected: bytes, for example 6.5G or 900M)");
  }
}
