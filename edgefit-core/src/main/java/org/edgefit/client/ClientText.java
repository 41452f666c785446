package org.edgefit.client;

import java.util.Locale;

/**
 * Untrusted text from a peer, sanitised for display: length-limited, with control characters
 * escaped.
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
   * Returns a text with control characters escaped as in Java, truncated to {@code most} characters
   * with a note.
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
