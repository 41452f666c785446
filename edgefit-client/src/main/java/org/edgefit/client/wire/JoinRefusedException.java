package org.edgefit.client.wire;

import java.io.IOException;

/** The server rejected the client; a retry will not help. */
public final class JoinRefusedException extends IOException {

  private static final long serialVersionUID = 1;

  JoinRefusedException(String message) {
    super(message);
  }
}
