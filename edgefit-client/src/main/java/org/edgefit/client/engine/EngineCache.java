package org.edgefit.client.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Sha256;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where DJL unpacks the engine's libraries, once for each version: the folder in the system
 * property {@code edgefit.cache} or the variable {@code EDGEFIT_CACHE}, or else {@code edgefit} in
 * the user's cache folder. DJL's own settings ({@code DJL_CACHE_DIR}, {@code ENGINE_CACHE_DIR})
 * take precedence.
 */
public final class EngineCache {

  /** What PyTorch's and the tokenizers' libraries take. */
  private static final long LIBRARIES = 470_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(EngineCache.class);

  /** The folders that were empty, which is said once of each. */
  private static final Set<Path> FILLED = ConcurrentHashMap.newKeySet();

  private final CacheLocation location;

  EngineCache(Map<String, String> environment, Properties properties) {
    location = new CacheLocation(environment, properties);
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
    return location.isSetForDjl();
  }

  /** Returns the folder that settings and system choose. */
  Path chosen() {
    return location.chosen();
  }

  /**
   * Returns the folder, and creates it if missing. A filled one can be read-only, as in a container
   * image with the libraries unpacked.
   *
   * @throws IOException naming the folder, if it is not readable, if it is not filled and not
   *     writable, or if one of its files was altered
   */
  public Path folder() throws IOException {
    Path folder = location.claimed();
    EngineLibraries libraries = new EngineLibraries(folder);
    try {
      Files.createDirectories(folder);
      if (libraries.areThere()) {
        libraries.requireWhole();
      } else if (!Files.isWritable(folder)) {
        throw new AccessDeniedException(folder.toString());
      } else {
        libraries.deleteHalfUnpacked();
        requireSpace(folder);
        if (FILLED.add(folder)) {
          LOG.info("unpacking the engine's libraries, about 470 MB, into {} (once)", folder);
        }
      }
    } catch (AccessDeniedException | FileAlreadyExistsException | ReadOnlyFileSystemException e) {
      throw new IOException(
          "the engine's cache: "
              + folder
              + ": not readable, or not filled and not writable (expected: a usable folder;"
              + " edgefit-client prepare fills it for all users; "
              + CacheLocation.VARIABLE
              + " names another)",
          e);
    }
    return folder;
  }

  /** Notes the sizes of what was unpacked, once it has been loaded. */
  void note() throws IOException {
    new EngineLibraries(folder()).note();
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
              + CacheLocation.VARIABLE
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
    Path folder =
        folder().resolve(EngineLibraries.JNA).resolve(Sha256.hex(digest).substring(0, 16));
    Path file = folder.resolve(name);
    if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), library)) {
      Files.createDirectories(folder);
      write(file, library);
    }
    return folder;
  }

  /** Writes a file that appears whole, also where other processes write the same one. */
  static void write(Path file, byte[] bytes) throws IOException {
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
   * Makes the cache readable for all users of the machine; DJL unpacks it for one user.
   *
   * @return the first parent folder that other users cannot enter; null if there is none
   * @throws IOException if it cannot be read, or is another account's
   */
  public @Nullable Path share() throws IOException {
    Path folder = folder().toRealPath();
    if (!folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return null;
    }
    new EngineLibraries(folder).permitAll();
    for (Path way = folder.getParent(); way != null; way = way.getParent()) {
      if (!Files.getPosixFilePermissions(way).contains(PosixFilePermission.OTHERS_EXECUTE)) {
        return way;
      }
    }
    return null;
  }

  /**
   * Returns how many bytes the libraries take.
   *
   * @throws IOException if they cannot be read
   */
  public long size() throws IOException {
    return new EngineLibraries(folder()).size();
  }
}
