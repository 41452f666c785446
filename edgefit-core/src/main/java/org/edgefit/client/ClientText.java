package org.edgefit.client;

import java.util.Locale;

/**
 * Text that a peer chose, as it may be shown: bounded, and without characters that a terminal or a
 * log would obey instead of showing them.
 */
public final class ClientText {

  /** The most characters that are kept of a reason. */
  public static final int MOST_REASON = 500;

  private ClientText() {}

  /** Returns a text of at most {@link #MOST_REASON} characters with its controls escaped. */
  public static String shown(String text) {
    return shown(text, MOST_REASON);
  }

  /**
   * Returns a text with its controls escaped, as Java would write them; more characters than {@code
   * most} are left out, and that is said.
   */
  public static String shown(String text, int most) {
    StringBuilder shown = new StringBuilder();
    int end = Math.min(text.length(), most);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (isObeyed(text, i)) {
        shown.append(c == '\n' ? "\\n" : String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        shown.append(c);
      }
    }
    if (end < text.length()) {
      shown.append("... (").append(text.length()).append(" characters)");
    }
    return shown.toString();
  }

  /** Returns whether a character controls, turns or breaks a line, or is half of another. */
  private static boolean isObeyed(String text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
    }
    if (Character.isLowSurrogate(c)) {
      return at == 0 || !Character.isHighSurrogate(text.charAt(at - 1));
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }
}
