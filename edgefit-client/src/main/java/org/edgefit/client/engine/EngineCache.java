package org.edgefit.client.engine;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Sha256;
import org.edgefit.file.TextFile;
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

  /** The part of it that is PyTorch's. */
  private static final String ENGINE = "pytorch";

  private static final String JNA = "jna";

  /** What lies in it; other files there are others'. */
  private static final List<String> PARTS = List.of(ENGINE, JNA, "tokenizers");

  /** The file in it that has the libraries' sizes. */
  private static final String SIZES = "sizes";

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
    String known = properties.getProperty("user.home", "");
    home = known.startsWith("?") ? environment.getOrDefault("HOME", "") : known;
  }

  /** Returns the cache of this process. */
  public static EngineCache ofProcess() {
    return new EngineCache(System.getenv(), System.getProperties());
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
   * Returns the folder, which is made if it is not there. One that is filled need not be writable,
   * as in an image of a container that brings what was unpacked.
   *
   * @throws IOException naming the folder, if it cannot be read, or is to be filled and cannot be
   *     written, or if a file of it is not as it was unpacked
   */
  public Path folder() throws IOException {
    Path folder;
    try {
      folder = chosen();
    } catch (InvalidPathException e) {
      throw new IOException(
          "the engine's cache: "
              + e.getInput()
              + ": no path in this locale (expected: a UTF-8 locale, as LC_ALL=C.UTF-8; "
              + VARIABLE
              + " names another folder)",
          e);
    }
    if (folder.startsWith(temporaryHome()) && !isUsable(accountsFolder())) {
      claimTemporaryHome();
    }
    try {
      Files.createDirectories(folder);
      if (isFilled(folder)) {
        requireWhole(folder);
      } else if (!Files.isWritable(folder)) {
        throw new AccessDeniedException(folder.toString());
      } else {
        deleteHalfUnpacked(folder);
        requireSpace(folder);
        if (FILLED.add(folder)) {
          LOG.info("the engine's libraries, about 470 MB, are unpacked into {}, once", folder);
        }
      }
    } catch (AccessDeniedException | FileAlreadyExistsException | ReadOnlyFileSystemException e) {
      throw new IOException(
          "the engine's cache: "
              + folder
              + ": cannot be read, or not be written until it is filled (expected: a folder that"
              + " can; edgefit-client prepare fills it for all accounts; "
              + VARIABLE
              + " names another)",
          e);
    }
    return folder;
  }

  /** Returns whether PyTorch's libraries are there, as DJL unpacks them: all, or none. */
  private static boolean isFilled(Path folder) throws IOException {
    Path engine = folder.resolve(ENGINE);
    if (!Files.exists(engine)) {
      return false;
    }
    try (Stream<Path> versions = Files.list(engine)) {
      return versions.anyMatch(
          version -> Files.isDirectory(version) && !isHalfUnpacked(version.getFileName()));
    }
  }

  private static boolean isHalfUnpacked(Path name) {
    return name.toString().startsWith("tmp");
  }

  /** Deletes what processes left that were killed while they unpacked, an hour ago or more. */
  private static void deleteHalfUnpacked(Path folder) throws IOException {
    Path engine = folder.resolve(ENGINE);
    if (!Files.exists(engine)) {
      return;
    }
    FileTime hourAgo = FileTime.from(Instant.now().minus(1, ChronoUnit.HOURS));
    try (Stream<Path> versions = Files.list(engine)) {
      for (Path version : versions.toList()) {
        if (isHalfUnpacked(version.getFileName())
            && Files.getLastModifiedTime(version).compareTo(hourAgo) < 0) {
          for (Path path : walked(version).sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(path);
          }
        }
      }
    }
  }

  /** Notes the sizes of what was unpacked, once it has been loaded. */
  void note() throws IOException {
    Path folder = folder();
    Path sizes = folder.resolve(SIZES);
    if (Files.isWritable(folder)) {
      StringBuilder text = new StringBuilder();
      for (Path library : libraries(folder)) {
        text.append(Files.size(library)).append(' ').append(named(folder, library)).append('\n');
      }
      if (!Files.exists(sizes) || !Files.readString(sizes).contentEquals(text)) {
        write(sizes, text.toString().getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  /** Holds what is there to the sizes that were noted: half a library would end the process. */
  private static void requireWhole(Path folder) throws IOException {
    Path sizes = folder.resolve(SIZES);
    if (!Files.exists(sizes)) {
      return;
    }
    Map<String, Path> libraries = new TreeMap<>();
    libraries(folder).forEach(library -> libraries.put(named(folder, library), library));
    for (String line : TextFile.read(sizes).lines().toList()) {
      int space = line.indexOf(' ');
      String name = line.substring(space + 1);
      long size = libraries.containsKey(name) ? Files.size(libraries.get(name)) : -1;
      if (size < 0 && !Files.exists(folder.resolve(name).getParent())) {
        continue; // a version that was taken away as a whole
      }
      if (!line.substring(0, Math.max(0, space)).equals(String.valueOf(size))) {
        throw new IOException(
            "the engine's cache: "
                + folder.resolve(name)
                + ": "
                + (size < 0 ? "missing" : size + " bytes")
                + " (expected: "
                + line.substring(0, Math.max(0, space))
                + " bytes; delete "
                + folder
                + ", and it is filled again)");
      }
    }
  }

  private static String named(Path folder, Path library) {
    return folder.relativize(library).toString().replace(File.separatorChar, '/');
  }

  /** Returns the libraries that are there, sorted. */
  private static List<Path> libraries(Path folder) throws IOException {
    List<Path> libraries = new ArrayList<>();
    for (String part : PARTS) {
      if (Files.isDirectory(folder.resolve(part))) {
        walked(folder.resolve(part))
            .filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
            .filter(path -> !isHalfUnpacked(folder.resolve(part).relativize(path).getName(0)))
            .filter(path -> !path.toString().endsWith("tmp")) // another process unpacks it
            .filter(path -> !path.toString().endsWith(DurableFiles.PART))
            .forEach(libraries::add);
      }
    }
    return libraries;
  }

  /** Returns a folder and all that is in it, sorted; links are not followed. */
  private static Stream<Path> walked(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.sorted().toList().stream();
    }
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

  /**
   * Returns the folder of JNA's library, which is put there if it is not yet, so that no other
   * place is needed for it. It has the name of its content: hosts bring other versions.
   *
   * @param library what is in JNA's jar
   * @param name the library's file name
   * @throws IOException if it is not there and cannot be put there
   */
  Path jna(byte[] library, String name) throws IOException {
    MessageDigest digest = Sha256.digest();
    digest.update(library);
    Path folder = folder().resolve(JNA).resolve(Sha256.hex(digest).substring(0, 16));
    Path file = folder.resolve(name);
    if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), library)) {
      Files.createDirectories(folder);
      write(file, library);
    }
    return folder;
  }

  /** Writes a file that appears whole, also where other processes write the same one. */
  private static void write(Path file, byte[] bytes) throws IOException {
    String own = file.getFileName() + "-" + ProcessHandle.current().pid() + DurableFiles.PART;
    Path part = file.resolveSibling(own);
    try (FileChannel channel =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      DurableFiles.writeFully(channel, ByteBuffer.wrap(bytes), file);
      DurableFiles.force(channel, file);
      DurableFiles.publish(part, file);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /**
   * Lets all accounts of the machine read what it holds, which DJL unpacks for one's own alone.
   *
   * @return the first folder on the way there that other accounts cannot enter; null if there is
   *     none
   * @throws IOException if it cannot be read, or is another account's
   */
  public @Nullable Path share() throws IOException {
    Path folder = folder().toRealPath();
    if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return null;
    }
    permit(folder);
    if (Files.exists(folder.resolve(SIZES))) {
      permit(folder.resolve(SIZES));
    }
    for (String part : PARTS) {
      if (Files.isDirectory(folder.resolve(part), LinkOption.NOFOLLOW_LINKS)) {
        for (Path path : walked(folder.resolve(part)).toList()) {
          permit(path);
        }
      }
    }
    for (Path way = folder.getParent(); way != null; way = way.getParent()) {
      if (!Files.getPosixFilePermissions(way).contains(PosixFilePermission.OTHERS_EXECUTE)) {
        return way;
      }
    }
    return null;
  }

  private static void permit(Path path) throws IOException {
    if (Files.isSymbolicLink(path)) {
      return;
    }
    Set<PosixFilePermission> before = Files.getPosixFilePermissions(path);
    Set<PosixFilePermission> after = EnumSet.copyOf(before);
    after.addAll(
        PosixFilePermissions.fromString(Files.isDirectory(path) ? "r-xr-xr-x" : "r--r--r--"));
    if (!after.equals(before)) {
      Files.setPosixFilePermissions(path, after);
    }
  }

  /**
   * Returns how many bytes the libraries take.
   *
   * @throws IOException if they cannot be read
   */
  public long size() throws IOException {
    long size = 0;
    for (Path library : libraries(folder())) {
      size += Files.size(library);
    }
    return size;
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
      if (Files.isDirectory(folder) && isFilled(folder)) {
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
