package org.edgefit.client.cli;

import ai.djl.Device;
import picocli.CommandLine.Option;

/** Where a model is computed. */
final class DeviceOption {

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "where to compute: cpu, cuda or cuda:N, which needs an engine with CUDA (default: cpu)")
  private String device = "cpu";

  /** Returns the device, which may not exist. */
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
}
