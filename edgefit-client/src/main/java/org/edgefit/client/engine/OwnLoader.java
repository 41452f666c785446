package org.edgefit.client.engine;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
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
   * @throws IllegalStateException if a library cannot be unpacked or linked
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
    } catch (EngineException e) {
      throw refused(e);
    } finally {
      own.keySet().forEach(System::clearProperty);
      thread.setContextClassLoader(before);
    }
  }

  /**
   * Returns PyTorch's engine.
   *
   * @throws IllegalStateException if it is not there, or its library does not load
   */
  public static Engine loadEngine() {
    try {
      return load(() -> Engine.getEngine("PyTorch"));
    } catch (IllegalArgumentException e) { // no provider of it
      throw new IllegalStateException(
          "the engine: "
              + e.getMessage()
              + " (expected: pytorch-engine on the class path, and its file in META-INF/services,"
              + " which packing several jars into one has to merge)",
          e);
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

  /** Says why a library did not load: what the last cause says, and what it asks of the user. */
  private static IllegalStateException refused(EngineException e) {
    Throwable last = e;
    while (last.getCause() != null) {
      last = last.getCause();
    }
    String cause = last == e ? "" : ": " + last.getMessage();
    return new IllegalStateException("the engine: " + e.getMessage() + cause + advice(last), e);
  }

  private static String advice(Throwable cause) {
    if (cause instanceof IOException) {
      return " (expected: an engine's cache that can be read, and written until it is filled;"
          + " edgefit-client prepare fills it for all accounts; EDGEFIT_CACHE names another)";
    }
    if (!(cause instanceof UnsatisfiedLinkError)) {
      return "";
    }
    return String.valueOf(cause.getMessage()).contains("another classloader")
        ? " (expected: EdgeFIT and DJL loaded once, by a class loader that all who use them share)"
        : " (is the engine's cache where programs may be run? EDGEFIT_CACHE names another)";
  }
}
