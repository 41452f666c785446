package org.edgefit.client.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;

/** Calls of kernels by their name, with arrays, integers and real numbers. */
final class KernelCall {

  private KernelCall() {}

  /** Calls a kernel that returns an array, whose owner is given. */
  static NDArray call(NDManager owner, String kernel, NDArray first, Object... more) {
    try (IValue result = run(kernel, first, more)) {
      return result.toTensor((PtNDManager) owner);
    }
  }

  /** Calls a kernel for its effect on its first argument. */
  static void update(String kernel, NDArray first, Object... more) {
    run(kernel, first, more).close();
  }

  /** Calls a kernel; the first array says by its device whose. The result is to be closed. */
  static IValue run(String kernel, NDArray first, Object... more) {
    long begin = KernelProfile.begin();
    IValue[] values = new IValue[1 + more.length];
    try {
      values[0] = IValue.from((PtNDArray) first);
      for (int i = 0; i < more.length; i++) {
        values[i + 1] = value(more[i]);
      }
      boolean onCpu = TorchEngine.sharesMemory(first.getManager());
      return IValueUtils.runMethod(KernelArchive.module(onCpu), kernel, values);
    } finally {
      for (IValue value : values) {
        if (value != null) {
          value.close();
        }
      }
      KernelProfile.end(kernel, begin);
    }
  }

  private static IValue value(Object argument) {
    if (argument instanceof PtNDArray array) {
      return IValue.from(array);
    }
    if (argument instanceof Number number) {
      return number instanceof Double
          ? IValue.from(number.doubleValue())
          : IValue.from(number.longValue());
    }
    throw new IllegalArgumentException("kernel argument: " + argument);
  }
}
