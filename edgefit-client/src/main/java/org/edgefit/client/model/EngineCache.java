package org.edgefit.client.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where DJL unpacks the engine's libraries, once for each version: the folder that the system
 * property {@code edgefit.cache} or the variable {@code EDGEFIT_CACHE} names, or else {@code
 * edgefit} in the account's folder of caches. What is set for DJL itself ({@code DJL_CACHE_DIR},
 * {@code ENGINE_CACHE_DIR}) counts before that.
 */
final class EngineCache {

  /** What DJL takes its folder from. */
  static final String DJL = "DJL_CACHE_DIR";

  private static final String VARIABLE = "EDGEFIT_CACHE";
  private static final String PROPERTY = "edgefit.cache";

  private static final Logger LOG = LoggerFactory.getLogger(EngineCache.class);

  /** The folders that stand for an account's, which is said once of each. */
  private static final Set<Path> SAID = ConcurrentHashMap.newKeySet();

  private final Map<String, String> environment;
  private final Properties properties;

  EngineCache(Map<String, String> environment, Properties properties) {
    this.environment = environment;
    this.properties = properties;
  }

  /** Returns whether the folder was set for DJL itself. */
  boolean isSetForDjl() {
    return set(DJL) != null || set("ENGINE_CACHE_DIR") != null;
  }

  private @Nullable String set(String name) {
    return properties.getProperty(name, environment.get(name));
  }

  /**
   * Returns the folder, which is made if it is not there. One that holds something need not be
   * writable, as in an image of a container that brings what was unpacked.
   *
   * @throws IOException naming the folder, if it cannot be made or is empty and cannot be written
   */
  Path folder() throws IOException {
    Path folder = chosen();
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new IOException(refusal(folder), e);
    }
    try (Stream<Path> entries = Files.list(folder)) {
      if (!Files.isWritable(folder) && entries.findAny().isEmpty()) {
        throw new IOException(refusal(folder));
      }
    }
    return folder;
  }

  private static String refusal(Path folder) {
    return "the engine's cache: "
        + folder
        + ": cannot be written (expected: a folder that can; "
        + VARIABLE
        + " names another)";
  }

  /** Returns the folder that settings and system choose. */
  Path chosen() {
    String named = properties.getProperty(PROPERTY, environment.get(VARIABLE));
    return named == null || named.isBlank() ? caches().resolve("edgefit") : Path.of(named);
  }

  /** Returns the account's folder of caches, as its system has it. */
  private Path caches() {
    String system = properties.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    if (system.startsWith("windows")) {
      String local = environment.get("LOCALAPPDATA");
      return local == null ? home().resolve("AppData").resolve("Local") : Path.of(local);
    }
    if (system.startsWith("mac")) {
      return home().resolve("Library").resolve("Caches");
    }
    String caches = environment.getOrDefault("XDG_CACHE_HOME", "");
    return caches.startsWith("/") ? Path.of(caches) : home().resolve(".cache");
  }

  /**
   * Returns the account's folder; one of its own in the temporary folder where it has none, as an
   * account without an entry in the system's list.
   */
  private Path home() {
    String home = properties.getProperty("user.home", "");
    if (hasHome()) {
      return Path.of(home);
    }
    String account = Objects.toString(properties.getProperty("user.name"), "?");
    String name = account.equals("?") ? number() : account;
    Path folder =
        Path.of(properties.getProperty("java.io.tmpdir", "/tmp")).resolve("home-of-" + name);
    if (SAID.add(folder)) {
      LOG.warn(
          "the account's folder, {}, cannot be written: caches go to {} ({} names another place)",
          home.isEmpty() ? "none" : home,
          folder,
          VARIABLE);
    }
    return folder;
  }

  /** Returns whether the account has a folder of its own that can be written. */
  boolean hasHome() {
    String home = properties.getProperty("user.home", "");
    return !home.isBlank()
        && Path.of(home).isAbsolute()
        && (Files.isWritable(Path.of(home)) || Files.isWritable(Path.of(home, ".cache")));
  }

  /** Returns the account's number, where it has no name. */
  private static String number() {
    try {
      Path own = Files.createTempFile("edgefit-", "");
      try {
        return String.valueOf(Files.getAttribute(own, "unix:uid"));
      } finally {
        Files.delete(own);
      }
    } catch (IOException | UnsupportedOperationException e) {
      return "nobody";
    }
  }
}
