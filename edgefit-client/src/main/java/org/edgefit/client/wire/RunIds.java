package org.edgefit.client.wire;

import java.io.IOException;
import java.util.regex.Pattern;
import org.edgefit.client.ClientText;

/** The form of run ids, which also name folders. */
final class RunIds {

  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}");

  private RunIds() {}

  /** Returns a run id that can name a folder. */
  static String require(String id) throws IOException {
    if (!FORM.matcher(id).matches()) {
      throw new IOException(
          "run id: \""
              + ClientText.shown(id, 80)
              + "\" (expected: 1 to 64 of A-Z a-z 0-9 - _, the first a letter or digit)");
    }
    return id;
  }
}
