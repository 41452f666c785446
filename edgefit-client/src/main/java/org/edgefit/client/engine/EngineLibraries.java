package org.edgefit.client.engine;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.TextFile;

/**
 * The native libraries in a cache, as DJL and JNA unpack them, and their sizes, which are noted
 * once they have been loaded: half a library would end the process.
 *
 * @param folder the cache
 */
record EngineLibraries(Path folder) {

  /** The part of the cache that is PyTorch's. */
  private static final String ENGINE = "pytorch";

  /** The part that is JNA's. */
  static final String JNA = "jna";

  /** What lies in the cache; other files there are others'. */
  private static final List<String> PARTS = List.of(ENGINE, JNA, "tokenizers");

  /** The file that has the libraries' sizes. */
  private static final String SIZES = "sizes";

  /** Returns whether PyTorch's libraries are there, as DJL unpacks them: all, or none. */
  boolean areThere() throws IOException {
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
  void deleteHalfUnpacked() throws IOException {
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
    Path sizes = folder.resolve(SIZES);
    if (Files.isWritable(folder)) {
      StringBuilder text = new StringBuilder();
      for (Path library : all()) {
        text.append(Files.size(library)).append(' ').append(named(library)).append('\n');
      }
      if (!Files.exists(sizes) || !Files.readString(sizes).contentEquals(text)) {
        EngineCache.write(sizes, text.toString().getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  /** Holds what is there to the sizes that were noted: half a library would end the process. */
  void requireWhole() throws IOException {
    Path sizes = folder.resolve(SIZES);
    if (!Files.exists(sizes)) {
      return;
    }
    Map<String, Path> libraries = new TreeMap<>();
    all().forEach(library -> libraries.put(named(library), library));
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
                + " to unpack it again)");
      }
    }
  }

  private String named(Path library) {
    return folder.relativize(library).toString().replace(File.separatorChar, '/');
  }

  /** Returns the libraries that are there, sorted. */
  private List<Path> all() throws IOException {
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

  /** Returns how many bytes they take. */
  long size() throws IOException {
    long size = 0;
    for (Path library : all()) {
      size += Files.size(library);
    }
    return size;
  }

  /** Lets all accounts of the machine read them. */
  void permitAll() throws IOException {
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
}
