package org.edgefit.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Locks a folder for one run at a time through its file {@code .lock}. The OS releases the lock
 * when the process ends; the file stays.
 */
public final class FolderLock implements AutoCloseable {

  /** The file's name. */
  public static final String FILE = ".lock";

  private static final Logger log = LoggerFactory.getLogger(FolderLock.class);

  /**
   * The folders that this process holds. A second run in it is refused by this and not by the file:
   * on POSIX systems, closing any channel of a file ends all locks that the process has on it.
   */
  private static final Set<Path> held = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel channel;

  private FolderLock(Path folder, FileChannel channel) {
    this.folder = folder;
    this.channel = channel;
  }

  /**
   * Holds a folder until this is closed. Where the file system has no locks, a warning is all.
   *
   * @param folder one that exists
   * @throws IOException if another run holds the folder, or it cannot be written
   */
  public static FolderLock hold(Path folder) throws IOException {
    Path real = folder.toRealPath();
    if (!held.add(real)) {
      throw refusal(folder);
    }
    FileChannel channel = null;
    boolean isOurs = false;
    try {
      channel =
          FileChannel.open(
              folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      isOurs = lock(channel, folder);
      if (!isOurs) {
        throw refusal(folder);
      }
      return new FolderLock(real, channel);
    } finally {
      if (!isOurs) {
        held.remove(real);
        if (channel != null) {
          channel.close();
        }
      }
    }
  }

  private static IOException refusal(Path folder) {
    return new IOException(folder + ": in use by another run");
  }

  /** Returns whether the folder is ours now, which it is too where it cannot be locked. */
  private static boolean lock(FileChannel channel, Path folder) {
    try {
      @Nullable FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // this process holds the file by other means
    } catch (IOException e) {
      log.warn("{}: cannot be locked; two runs there would conflict", folder, e);
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      held.remove(folder);
    }
  }
}
