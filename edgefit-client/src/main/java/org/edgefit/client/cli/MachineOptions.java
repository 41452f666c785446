package org.edgefit.client.cli;

import ai.djl.Device;
import java.util.Locale;
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

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "where to compute: cpu, cuda or cuda:N, which needs an engine with CUDA (default: cpu)")
  private String device = "cpu";

  /** Returns the device to load the base model on. */
  Device device() {
    if (device.equals("cpu")) {
      return Device.cpu();
    }
    if (!device.matches("cuda(:[0-9]{1,3})?")) {
      throw new IllegalArgumentException(
          "--device: " + device + " (expected: cpu, cuda or cuda:N)");
    }
    return Device.gpu(device.equals("cuda") ? 0 : Integer.parseInt(device.substring(5)));
  }

  /** Sets the threads. */
  void apply() {
    TorchKernels.setThreads(threads == null ? Runtime.getRuntime().availableProcessors() : threads);
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
      if (number > 0 && number * (1L << shift) < Long.MAX_VALUE) {
        return (long) (number * (1L << shift));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        option + ": " + text + " (expected: bytes, for example 6.5G or 900M)");
  }
}
