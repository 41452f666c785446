package org.edgefit.client.wire;

import java.io.IOException;

/** The server does not take the client in, and will not if it is asked again. */
public final class JoinRefusedException extends IOException {

  private static final long serialVersionUID = 1;

  JoinRefusedException(String message) {
    super(message);
  }
}
