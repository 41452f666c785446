package org.edgefit.client.model;

import java.util.function.Supplier;

/**
 * Loads DJL's engine and tokenizers through EdgeFIT's own class loader. DJL looks for its providers
 * and libraries through the calling thread's, which in a pool or an application server sees other
 * jars or none.
 */
public final class OwnLoader {

  /** Keeps DJL from reporting its start to others. */
  private static final String NO_REPORT = "OPT_OUT_TRACKING";

  private OwnLoader() {}

  /** Returns what a supplier does, and leaves the thread and the system's properties as before. */
  public static synchronized <T> T load(Supplier<T> supplier) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    boolean isReportOpen = System.getProperty(NO_REPORT) == null;
    thread.setContextClassLoader(OwnLoader.class.getClassLoader());
    if (isReportOpen) {
      System.setProperty(NO_REPORT, "true");
    }
    try {
      return supplier.get();
    } finally {
      if (isReportOpen) {
        System.clearProperty(NO_REPORT);
      }
      thread.setContextClassLoader(before);
    }
  }
}
