package org.edgefit.format;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds a folder for one run at a time, by a lock on its file {@code .lock}. The lock ends with its
 * process, whatever stops that; the file stays.
 */
public final class FolderLock implements AutoCloseable {

  /** The file's name. */
  public static final String FILE = ".lock";

  private static final Logger log = LoggerFactory.getLogger(FolderLock.class);

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Holds a folder until this is closed. Where the file system has no locks, a warning is all.
   *
   * @param folder one that exists
   * @throws IOException if another run holds the folder, or it cannot be written
   */
  public static FolderLock hold(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (isHeldByOther(channel, folder)) {
      channel.close();
      throw new IOException(folder + ": another run is at work there");
    }
    return new FolderLock(channel);
  }

  private static boolean isHeldByOther(FileChannel channel, Path folder) {
    try {
      @Nullable FileLock lock = channel.tryLock();
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true; // held in this process
    } catch (IOException e) {
      log.warn("{}: cannot be locked; two runs there would spoil each other: {}", folder, e);
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
