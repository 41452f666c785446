package org.edgefit.client.engine;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
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

  /**
   * Returns what a supplier does, and leaves the thread and the system's properties as before.
   *
   * @throws IllegalStateException if what has to be unpacked cannot be written
   */
  public static synchronized <T> T load(Supplier<T> supplier) {
    Map<String, String> own = new TreeMap<>();
    own.put(NO_REPORT, "true");
    EngineCache cache = EngineCache.ofProcess();
    if (!cache.isSetForDjl()) {
      try {
        own.put(EngineCache.DJL, cache.folder().toString());
      } catch (IOException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
    }
    own.keySet().removeIf(name -> System.getProperty(name) != null);
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(OwnLoader.class.getClassLoader());
    own.forEach(System::setProperty);
    try {
      return supplier.get();
    } finally {
      own.keySet().forEach(System::clearProperty);
      thread.setContextClassLoader(before);
    }
  }

  /**
   * Loads the library of tokenizers, which {@link #load} of one does too.
   *
   * @throws IllegalStateException if it does not load
   */
  public static void loadTokenizers() {
    load(
        () -> {
          LibUtils.checkStatus();
          return true;
        });
  }
}
