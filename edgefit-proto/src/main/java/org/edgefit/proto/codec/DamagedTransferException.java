package org.edgefit.proto.codec;

import java.io.IOException;

/** A transfer was corrupt: retrying may help. */
public final class DamagedTransferException extends IOException {

  private static final long serialVersionUID = 1;

  DamagedTransferException(String message) {
    super(message);
  }
}
