package org.edgefit.client.engine;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.edgefit.file.FileFault;

/**
 * Loads DJL's engine and tokenizers through EdgeFIT's own class loader. DJL looks up providers and
 * libraries through the calling thread's, which in a pool or an application server may not see
 * them.
 */
public final class OwnLoader {

  /** Keeps DJL from reporting its start to others. */
  private static final String NO_REPORT = "OPT_OUT_TRACKING";

  /** What each of DJL's jars of PyTorch's libraries has. */
  private static final String LIBRARIES = "native/lib/pytorch.properties";

  private OwnLoader() {}

  /**
   * Runs a supplier, then restores the thread's class loader and the system properties.
   *
   * @throws IllegalStateException if a library cannot be unpacked or linked
   */
  public static synchronized <T> T load(Supplier<T> supplier) {
    EngineCache cache = EngineCache.ofProcess();
    Map<String, String> own = new TreeMap<>();
    own.put(NO_REPORT, "true");
    try {
      if (!cache.isSetForDjl()) {
        own.put(CacheLocation.DJL, cache.folder().toString());
      }
      NativeMemory.load(); // before DJL, which would have JNA unpack itself elsewhere
      T loaded = with(own, supplier);
      cache.note();
      return loaded;
    } catch (IOException e) {
      throw new IllegalStateException(FileFault.message(e), e);
    } catch (EngineException | LinkageError e) {
      throw refused(e, cache);
    }
  }

  private static <T> T with(Map<String, String> own, Supplier<T> supplier) {
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
   * Returns PyTorch's engine.
   *
   * @throws IllegalStateException if it is not there, or its library does not load
   */
  public static Engine loadEngine() {
    requireLibraries();
    try {
      return load(
          () -> {
            NativeMemory.configure();
            return Engine.getEngine("PyTorch");
          });
    } catch (IllegalArgumentException e) { // no provider of it
      throw new IllegalStateException(
          "the engine: "
              + e.getMessage()
              + " (expected: pytorch-engine on the class path, and its file in META-INF/services,"
              + " which a shaded jar must merge)",
          e);
    }
  }

  /** Refuses a class path without libraries for this machine, which DJL would download. */
  private static void requireLibraries() {
    if (System.getenv("PYTORCH_LIBRARY_PATH") != null
        || System.getProperty("PYTORCH_LIBRARY_PATH") != null) {
      return;
    }
    String here = platform();
    Set<String> found = new TreeSet<>();
    try {
      for (URL url : Collections.list(OwnLoader.class.getClassLoader().getResources(LIBRARIES))) {
        Properties properties = new Properties();
        try (InputStream in = url.openStream()) {
          properties.load(in);
        }
        found.add(properties.getProperty("classifier", "any"));
      }
    } catch (IOException e) {
      throw new IllegalStateException(LIBRARIES + ": " + FileFault.message(e), e);
    }
    if (found.stream().noneMatch(classifier -> classifier.endsWith(here))) {
      throw new IllegalStateException(
          "the engine: "
              + (found.isEmpty() ? "no libraries of PyTorch" : "libraries of PyTorch for " + found)
              + " on the class path (expected: ai.djl.pytorch:pytorch-native-cpu with the classifier "
              + here
              + ")");
    }
  }

  private static String platform() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "");
    String system = os.startsWith("windows") ? "win" : os.startsWith("mac") ? "osx" : "linux";
    return system + "-" + (arch.equals("amd64") ? "x86_64" : arch);
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
  private static IllegalStateException refused(Throwable e, EngineCache cache) {
    Throwable last = e;
    while (last.getCause() != null) {
      last = last.getCause();
    }
    String cause = last == e ? "" : ": " + FileFault.message(last);
    return new IllegalStateException(
        "the engine: " + e.getMessage() + cause + advice(e, last, cache), e);
  }

  private static String advice(Throwable e, Throwable cause, EngineCache cache) {
    if (cause instanceof IOException || e instanceof NoClassDefFoundError) {
      return " (expected: an engine's cache, "
          + cache.chosen()
          + ", that can be read, and written until it is filled; edgefit-client prepare fills it"
          + " for all accounts; EDGEFIT_CACHE names another)";
    }
    if (!(cause instanceof UnsatisfiedLinkError)) {
      return "";
    }
    String said = String.valueOf(cause.getMessage());
    if (said.contains("another classloader")) {
      return " (expected: EdgeFIT and DJL loaded once, by a class loader that all who use them"
          + " share)";
    }
    return said.contains("failed to map segment") || said.contains("not permitted")
        ? " (expected: an engine's cache where programs may be run; EDGEFIT_CACHE names another)"
        : " (expected: an engine's cache that is whole; delete "
            + cache.chosen()
            + " to unpack it again)";
  }
}
