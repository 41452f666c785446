package org.edgefit.file;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** File-system errors in words: the path, and the reason. */
public final class FileFault {

  private FileFault() {}

  /**
   * Returns an error that names the file, for system errors with only a reason, as of channels and
   * streams ("No space left on device").
   */
  public static IOException named(Path file, IOException e) {
    if (e instanceof FileSystemException || e instanceof ClosedChannelException) {
      return e;
    }
    FileSystemException named = new FileSystemException(file.toString(), null, e.getMessage());
    named.initCause(e);
    return named;
  }

  /** Returns an error's message, with the reason that a bare path lacks. */
  public static String message(Throwable e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return e instanceof FileSystemException file && file.getReason() == null && !isSaid(message)
        ? message + ": " + reason(file)
        : message;
  }

  private static boolean isSaid(String message) {
    return message.contains(": ");
  }

  private static String reason(FileSystemException e) {
    if (e instanceof AccessDeniedException) {
      return "access denied";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "there is a file of that name";
    }
    if (e instanceof NoSuchFileException) {
      return "no such file or directory";
    }
    if (e instanceof NotDirectoryException) {
      return "a file (expected: a directory)";
    }
    if (e instanceof DirectoryNotEmptyException) {
      return "a directory that is not empty";
    }
    return "it cannot be read or written";
  }
}
