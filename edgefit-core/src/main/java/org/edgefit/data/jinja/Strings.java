package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.edgefit.data.jinja.Place.Fault;
import org.jspecify.annotations.Nullable;

/** What Python does with strings. Indices and lengths are in code points. */
final class Strings {

  /** A blank, as a regular expression. */
  static final String SPACE =
      "[\\x09-\\x0d\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final String LINE_ENDS = "\n\r\u000b\f\u001c\u001d\u001e\u0085\u2028\u2029";

  /** The most characters that a text may have, so that no template fills the memory. */
  static final int LONGEST = 16 << 20;

  private Strings() {}

  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  /** Returns whether a text is blanks alone, and not empty. */
  static boolean isSpace(String text) {
    return !text.isEmpty() && text.chars().allMatch(Strings::isSpace);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Strips characters, or blanks where there are none, from the start, the end or both. */
  static String strip(String text, @Nullable String characters, boolean start, boolean end) {
    int[] points = text.codePoints().toArray();
    int from = 0;
    int to = points.length;
    while (start && from < to && isStripped(points[from], characters)) {
      from++;
    }
    while (end && to > from && isStripped(points[to - 1], characters)) {
      to--;
    }
    return new String(points, from, to - from);
  }

  static String stripEnd(String text) {
    return strip(text, null, false, true);
  }

  private static boolean isStripped(int c, @Nullable String characters) {
    return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
  }

  /** Splits a text at a separator, from the end where {@code fromEnd}, at most so often. */
  static List<Object> split(String text, String separator, long most, boolean fromEnd) {
    if (separator.isEmpty()) {
      throw new Fault("split: an empty separator");
    }
    List<Object> parts = new ArrayList<>();
    if (fromEnd) {
      String rest = text;
      int found;
      while ((most < 0 || parts.size() < most) && (found = rest.lastIndexOf(separator)) >= 0) {
        parts.add(0, rest.substring(found + separator.length()));
        rest = rest.substring(0, found);
      }
      parts.add(0, rest);
      return parts;
    }
    int from = 0;
    int found;
    while ((most < 0 || parts.size() < most) && (found = text.indexOf(separator, from)) >= 0) {
      parts.add(text.substring(from, found));
      from = found + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  /** Splits a text at blanks, as Python does without a separator. */
  static List<Object> splitAtBlanks(String text, long most, boolean fromEnd) {
    List<Object> parts = new ArrayList<>();
    String rest = strip(text, null, !fromEnd, fromEnd);
    while (!rest.isEmpty()) {
      int place = fromEnd ? 0 : parts.size();
      int at = fromEnd ? lastBlank(rest) : firstBlank(rest);
      if (at < 0 || (most >= 0 && parts.size() >= most)) {
        parts.add(place, rest);
        break;
      }
      parts.add(place, fromEnd ? rest.substring(at + 1) : rest.substring(0, at));
      rest = fromEnd ? rest.substring(0, at) : rest.substring(at);
      rest = strip(rest, null, !fromEnd, fromEnd);
    }
    return parts;
  }

  private static int firstBlank(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (isSpace(text.charAt(i))) {
        return i;
      }
    }
    return -1;
  }

  private static int lastBlank(String text) {
    for (int i = text.length() - 1; i >= 0; i--) {
      if (isSpace(text.charAt(i))) {
        return i;
      }
    }
    return -1;
  }

  static List<Object> lines(String text, boolean keepsEnds) {
    List<Object> lines = new ArrayList<>();
    int from = 0;
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (LINE_ENDS.indexOf(c) >= 0) {
        int end = at - 1;
        at += c == '\r' && text.startsWith("\n", at) ? 1 : 0;
        lines.add(text.substring(from, keepsEnds ? at : end));
        from = at;
      }
    }
    if (from < text.length()) {
      lines.add(text.substring(from));
    }
    return lines;
  }

  static String replace(String text, String old, String replacement, long most) {
    StringBuilder result = new StringBuilder();
    long done = 0;
    int from = 0;
    while (most < 0 || done < most) {
      int found = text.indexOf(old, from);
      if (found < 0) {
        break;
      }
      result.append(text, from, found).append(replacement);
      limit(result.length());
      done++;
      from = found + old.length();
      if (old.isEmpty()) {
        if (from >= text.length()) {
          return result.toString();
        }
        int next = text.offsetByCodePoints(from, 1);
        result.append(text, from, next);
        from = next;
      }
    }
    return result.append(text, from, text.length()).toString();
  }

  static long count(String text, String wanted) {
    if (wanted.isEmpty()) {
      return length(text) + 1L;
    }
    return split(text, wanted, -1, false).size() - 1L;
  }

  static String repeat(String text, long times) {
    if (times <= 0) {
      return "";
    }
    limit(Math.multiplyHigh(text.length(), times) == 0 ? text.length() * times : Long.MAX_VALUE);
    return text.repeat((int) times);
  }

  static void limit(long characters) {
    if (characters < 0 || characters > LONGEST) {
      throw new Fault("a text of more than " + LONGEST + " characters");
    }
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int end = text.offsetByCodePoints(0, 1);
    return titleCase(text.codePointAt(0)) + lower(text.substring(end));
  }

  private static String titleCase(int c) {
    int title = Character.toTitleCase(c);
    return title == c ? upper(Character.toString(c)) : Character.toString(title);
  }

  /** Returns the text with a capital at the start of each run of letters: the method. */
  static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean isInside = false;
    for (int c : text.codePoints().toArray()) {
      boolean isCased =
          Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
      result.append(
          !isCased
              ? Character.toString(c)
              : isInside ? lower(Character.toString(c)) : titleCase(c));
      isInside = isCased;
    }
    return result.toString();
  }

  /** Returns the text with a capital after each blank, hyphen and opening bracket: the filter. */
  static String titleWords(String text) {
    StringBuilder result = new StringBuilder();
    boolean isStart = true;
    for (int c : text.codePoints().toArray()) {
      boolean isBreak = isSpace(c) || "-({[<".indexOf(c) >= 0;
      String one = Character.toString(c);
      result.append(isBreak ? one : isStart ? upper(one) : lower(one));
      isStart = isBreak;
    }
    return result.toString();
  }

  /** Returns a string as Python writes it in a list. */
  static String repr(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder result = new StringBuilder().append(quote);
    for (int c : text.codePoints().toArray()) {
      if (c == '\n' || c == '\r' || c == '\t') {
        result.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
      } else if (c == quote || c == '\\') {
        result.append('\\').append((char) c);
      } else if (isPrintable(c)) {
        result.appendCodePoint(c);
      } else {
        String form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
        result.append(String.format(Locale.ROOT, form, c));
      }
    }
    return result.append(quote).toString();
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
