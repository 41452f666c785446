package org.edgefit.client.engine;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Selects the engine's cache folder: from DJL's settings, EdgeFIT's settings, or the user's cache
 * folder. A user without a writable home directory gets a private folder in the temporary folder.
 */
final class CacheLocation {

  /** What DJL takes its folder from. */
  static final String DJL = "DJL_CACHE_DIR";

  /** What DJL's folders of engines alone are taken from. */
  private static final String DJL_ENGINES = "ENGINE_CACHE_DIR";

  static final String VARIABLE = "EDGEFIT_CACHE";
  private static final String PROPERTY = "edgefit.cache";

  private static final Logger LOG = LoggerFactory.getLogger(CacheLocation.class);

  /** The folders that stand for an account's, which is said once of each. */
  private static final Set<Path> SAID = ConcurrentHashMap.newKeySet();

  private final Map<String, String> environment;
  private final Properties properties;
  private final String home;

  CacheLocation(Map<String, String> environment, Properties properties) {
    this.environment = environment;
    this.properties = properties;
    String known = properties.getProperty("user.home", "");
    home = known.startsWith("?") ? environment.getOrDefault("HOME", "") : known;
  }

  /**
   * Returns whether the folder was set for DJL itself.
   *
   * @throws IOException if DJL's variable is there and names none, which DJL would take for its own
   */
  boolean isSetForDjl() throws IOException {
    for (String name : List.of(DJL, DJL_ENGINES)) {
      if (environment.getOrDefault(name, "-").isBlank()) {
        throw new IOException(name + ": empty (expected: a folder, or not set)");
      }
    }
    return set(DJL) != null || set(DJL_ENGINES) != null;
  }

  private @Nullable String set(String name) {
    String value = properties.getProperty(name, environment.get(name));
    return value == null || value.isBlank() ? null : value;
  }

  /**
   * Returns the folder; a temporary one is claimed for this account alone.
   *
   * @throws IOException if the name of the folder cannot be spelled in this locale, or others may
   *     write to the temporary folder
   */
  Path claimed() throws IOException {
    Path folder;
    try {
      folder = chosen();
    } catch (InvalidPathException e) {
      throw new IOException(
          "the engine's cache: "
              + e.getInput()
              + ": not a path in this locale (expected: UTF-8, as LC_ALL=C.UTF-8; "
              + VARIABLE
              + " names another folder)",
          e);
    }
    if (folder.startsWith(temporaryHome()) && !isUsable(accountsFolder())) {
      claimTemporaryHome();
    }
    return folder;
  }

  /** Returns the folder that settings and system choose. */
  Path chosen() {
    String forDjl = set(DJL) != null ? set(DJL) : set(DJL_ENGINES);
    if (forDjl != null) {
      return Path.of(forDjl);
    }
    String named = properties.getProperty(PROPERTY, environment.get(VARIABLE));
    if (named != null && !named.isBlank()) {
      return Path.of(named);
    }
    Path own = accountsFolder();
    return own != null && isUsable(own)
        ? own
        : temporaryHome().resolve(".cache").resolve("edgefit");
  }

  /**
   * Returns the folder in the account's own, as its system has it; null if the account has none.
   */
  private @Nullable Path accountsFolder() {
    String system = properties.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    boolean isWindows = system.startsWith("windows");
    String caches = environment.getOrDefault(isWindows ? "LOCALAPPDATA" : "XDG_CACHE_HOME", "");
    if (isWindows && !caches.isEmpty()) {
      return Path.of(caches, "edgefit");
    }
    boolean isMac = system.startsWith("mac");
    if (!isWindows && !isMac && caches.startsWith("/")) {
      return Path.of(caches, "edgefit");
    }
    if (home.isBlank() || !Path.of(home).isAbsolute() || !Files.isDirectory(Path.of(home))) {
      return null;
    }
    Path folder = Path.of(home);
    if (isWindows) {
      return folder.resolve("AppData").resolve("Local").resolve("edgefit");
    }
    return (isMac ? folder.resolve("Library").resolve("Caches") : folder.resolve(".cache"))
        .resolve("edgefit");
  }

  /** Returns whether a folder is there and filled, or can be written, or made. */
  private static boolean isUsable(@Nullable Path folder) {
    if (folder == null) {
      return false;
    }
    try {
      if (Files.isDirectory(folder) && new EngineLibraries(folder).areThere()) {
        return true;
      }
    } catch (IOException e) {
      return false;
    }
    Path there = folder;
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    return there != null && Files.isWritable(there);
  }

  /**
   * Returns the folder in the temporary one that stands for the account's, as for an account
   * without an entry in the system's list.
   */
  private Path temporaryHome() {
    String account = Objects.toString(properties.getProperty("user.name"), "?");
    String name = account.equals("?") ? number() : account;
    return Path.of(properties.getProperty("java.io.tmpdir", "/tmp")).resolve("home-of-" + name);
  }

  /**
   * Makes the folder that stands for an account's, for itself alone: what lies there is run, and
   * all may write beside it.
   */
  private void claimTemporaryHome() throws IOException {
    Path folder = temporaryHome();
    if (SAID.add(folder)) {
      LOG.warn(
          "the user's cache folder, {}, is not writable: using {} ({} sets another folder)",
          home.isEmpty() ? "none" : home,
          folder,
          VARIABLE);
    }
    if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return;
    }
    Files.createDirectories(folder.toAbsolutePath().getParent());
    Set<PosixFilePermission> own = PosixFilePermissions.fromString("rwx------");
    try {
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(own));
    } catch (FileAlreadyExistsException e) {
      PosixFileAttributes there =
          Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (!there.isDirectory()
          || !there.owner().equals(account())
          || there.permissions().contains(PosixFilePermission.GROUP_WRITE)
          || there.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
        throw new IOException(
            "the engine's cache: "
                + folder
                + ": writable by others (expected: a folder of this user only; "
                + VARIABLE
                + " names another)",
            e);
      }
    }
  }

  /** Returns the account that this process runs as. */
  private static UserPrincipal account() throws IOException {
    Path own = Files.createTempFile("edgefit-", "");
    try {
      return Files.getOwner(own);
    } finally {
      Files.delete(own);
    }
  }

  /** Returns the account's number, where it has no name. */
  private static String number() {
    try {
      return account().getName();
    } catch (IOException e) {
      return "nobody";
    }
  }
}
