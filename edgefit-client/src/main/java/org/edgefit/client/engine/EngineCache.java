package org.edgefit.client.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.edgefit.file.DurableFiles;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where DJL unpacks the engine's libraries, once for each version: the folder that the system
 * property {@code edgefit.cache} or the variable {@code EDGEFIT_CACHE} names, or else {@code
 * edgefit} in the account's folder of caches. What is set for DJL itself ({@code DJL_CACHE_DIR},
 * {@code ENGINE_CACHE_DIR}) counts before that.
 */
public final class EngineCache {

  /** What DJL takes its folder from. */
  static final String DJL = "DJL_CACHE_DIR";

  /** What DJL's folders of engines alone are taken from. */
  private static final String DJL_ENGINES = "ENGINE_CACHE_DIR";

  /** What PyTorch's and the tokenizers' libraries take. */
  private static final long LIBRARIES = 470_000_000;

  private static final String VARIABLE = "EDGEFIT_CACHE";
  private static final String PROPERTY = "edgefit.cache";

  private static final Logger LOG = LoggerFactory.getLogger(EngineCache.class);

  /** The folders that stand for an account's, which is said once of each. */
  private static final Set<Path> SAID = ConcurrentHashMap.newKeySet();

  /** The folders that were empty, which is said once of each. */
  private static final Set<Path> FILLED = ConcurrentHashMap.newKeySet();

  private final Map<String, String> environment;
  private final Properties properties;
  private final String home;

  EngineCache(Map<String, String> environment, Properties properties) {
    this.environment = environment;
    this.properties = properties;
    home = properties.getProperty("user.home", "");
  }

  /** Returns the cache of this process. */
  public static EngineCache ofProcess() {
    return new EngineCache(System.getenv(), System.getProperties());
  }

  /** Returns whether the folder was set for DJL itself. */
  boolean isSetForDjl() {
    return set(DJL) != null || set(DJL_ENGINES) != null;
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
  public Path folder() throws IOException {
    Path folder = chosen();
    if (!hasHome() && folder.startsWith(temporaryHome())) {
      claimTemporaryHome();
    }
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
    if (!Files.exists(folder.resolve("pytorch")) && FILLED.add(folder)) {
      requireSpace(folder);
      LOG.info("the engine's libraries, about 470 MB, are unpacked into {}, once", folder);
    }
    return folder;
  }

  private static void requireSpace(Path folder) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < LIBRARIES) {
      throw new IOException(
          "the engine's cache: "
              + folder
              + ": "
              + free / 1_000_000
              + " MB free (expected: "
              + LIBRARIES / 1_000_000
              + " MB for the engine's libraries; "
              + VARIABLE
              + " names another folder)");
    }
  }

  private static String refusal(Path folder) {
    return "the engine's cache: "
        + folder
        + ": cannot be written (expected: a folder that can; "
        + VARIABLE
        + " names another)";
  }

  /**
   * Returns the folder of JNA's library, which is put there if it is not yet, so that no other
   * place is needed for it.
   *
   * @param jar the library in JNA's jar
   * @param version of JNA and the system that the library is for
   * @param name the library's file name
   * @throws IOException if it is not there and cannot be put there
   */
  Path jna(InputStream jar, String version, String name) throws IOException {
    Path folder = folder().resolve("jna").resolve(version);
    Path library = folder.resolve(name);
    if (!Files.exists(library)) {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, name, ".part");
      try {
        try (OutputStream out = Files.newOutputStream(part)) {
          jar.transferTo(out);
        } catch (IOException e) {
          throw DurableFiles.named(library, e);
        }
        Files.move(part, library, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    }
    return folder;
  }

  /**
   * Lets all accounts of the machine read what it holds, which DJL unpacks for one's own alone.
   *
   * @throws IOException if it cannot be read, or is another account's
   */
  public void share() throws IOException {
    Path folder = folder();
    if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return;
    }
    List<Path> paths;
    try (Stream<Path> walked = Files.walk(folder)) {
      paths = walked.toList();
    }
    for (Path path : paths) {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(path);
      Set<PosixFilePermission> after = EnumSet.copyOf(before);
      after.addAll(PosixFilePermissions.fromString("r--r--r--"));
      if (Files.isDirectory(path)) {
        after.addAll(PosixFilePermissions.fromString("r-xr-xr-x"));
      }
      if (!after.equals(before)) {
        Files.setPosixFilePermissions(path, after);
      }
    }
  }

  /**
   * Returns how many bytes it holds.
   *
   * @throws IOException if it cannot be read
   */
  public long size() throws IOException {
    try (Stream<Path> files = Files.walk(folder())) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  /** Returns the folder that settings and system choose. */
  Path chosen() {
    String forDjl = set(DJL) != null ? set(DJL) : set(DJL_ENGINES);
    if (forDjl != null) {
      return Path.of(forDjl);
    }
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
    return hasHome() ? Path.of(home) : temporaryHome();
  }

  /** Returns whether the account has a folder of its own that can be written. */
  private boolean hasHome() {
    return !home.isBlank()
        && Path.of(home).isAbsolute()
        && (Files.isWritable(Path.of(home)) || Files.isWritable(Path.of(home, ".cache")));
  }

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
          "the account's folder, {}, cannot be written: caches go to {} ({} names another place)",
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
                + ": others may write there (expected: a folder of this account alone; "
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
