package org.edgefit.proto.codec;

import java.io.IOException;

/** What arrived is not what was sent: it is worth another try. */
public final class DamagedTransferException extends IOException {

  private static final long serialVersionUID = 1;

  DamagedTransferException(String message) {
    super(message);
  }
}
