package org.edgefit.server;

import java.nio.file.FileSystemException;
import org.edgefit.client.ClientText;

/** Storage errors without the server's paths. */
final class Storage {

  private Storage() {}

  /** Returns why something could not be stored. */
  static String reason(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof FileSystemException file) {
        String reason = file.getReason();
        return reason == null ? cause.getClass().getSimpleName() : ClientText.shown(reason);
      }
      if (cause.getCause() == null) {
        String message = cause.getMessage();
        if (message == null) {
          return cause.getClass().getSimpleName();
        }
        return ClientText.shown(message.replaceAll("\\S*[/\\\\]\\S+", "a file"));
      }
    }
    return "unknown";
  }
}
