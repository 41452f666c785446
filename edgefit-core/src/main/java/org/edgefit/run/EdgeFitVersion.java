package org.edgefit.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The running version of EdgeFIT, in any packaging. */
public final class EdgeFitVersion {

  private static final String VERSION = read();

  private EdgeFitVersion() {}

  /** Returns the version, as Maven has it. */
  public static String current() {
    return VERSION;
  }

  private static String read() {
    try (InputStream in = EdgeFitVersion.class.getResourceAsStream("version.txt")) {
      if (in == null) {
        throw new IllegalStateException(
            "version.txt: missing (expected: beside EdgeFIT's classes)");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
