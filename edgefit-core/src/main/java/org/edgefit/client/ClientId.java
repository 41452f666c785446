package org.edgefit.client;

import java.util.regex.Pattern;

/** The form of client ids, which also name files. */
public final class ClientId {

  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}");

  private ClientId() {}

  /**
   * Checks an id.
   *
   * @return the id
   * @throws IllegalArgumentException if it is not 1 to 64 letters, digits, - and _, the first a
   *     letter or digit
   */
  public static String require(String id) {
    if (!FORM.matcher(id).matches()) {
      throw new IllegalArgumentException(
          "client id: \""
              + id.substring(0, Math.min(80, id.length()))
              + "\" (expected: 1 to 64 of A-Z a-z 0-9 - _, the first a letter or digit)");
    }
    return id;
  }
}
