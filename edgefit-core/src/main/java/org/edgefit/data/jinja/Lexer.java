package org.edgefit.data.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgefit.data.jinja.Token.Kind;

/**
 * Cuts a template into tokens, with {@code trim_blocks} and {@code lstrip_blocks}: the line break
 * after a statement or comment goes, and so do blanks between the start of its line and it.
 */
final class Lexer {

  private static final Pattern NEWLINE = Pattern.compile("\r\n|\r|\n");
  private static final String SIGN = "([-+]?)";
  private static final Pattern RAW =
      Pattern.compile("\\{%" + SIGN + Strings.SPACE + "*raw" + Strings.SPACE + "*(-?)%\\}");
  private static final Pattern END_RAW =
      Pattern.compile("\\{%" + SIGN + Strings.SPACE + "*endraw" + Strings.SPACE + "*([-+]?)%\\}");
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?<float>(?:[0-9]+_)*[0-9]+(?:(?:\\.(?:[0-9]+_)*[0-9]+)?[eE][+-]?(?:[0-9]+_)*[0-9]+"
              + "|\\.(?:[0-9]+_)*[0-9]+))|(?:[1-9](?:_?[0-9])*|0(?:_?0)*)");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{M}\\p{N}_]*");
  private static final Pattern OPERATOR =
      Pattern.compile("\\*\\*|//|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,]");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  /** Whether what was read last ended a line. */
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String text) {
    String source = NEWLINE.matcher(text).replaceAll("\n");
    return new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source)
        .run();
  }

  private List<Token> run() {
    while (at < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        data(source.substring(at));
        at = source.length();
        break;
      }
      char tag = source.charAt(begin + 1);
      char sign = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
      data(before(source.substring(at, begin), sign, tag != '{'));
      Matcher raw = RAW.matcher(source).region(begin, source.length());
      if (raw.lookingAt()) {
        raw(raw, begin);
        continue;
      }
      at = begin + (sign == '-' || sign == '+' ? 3 : 2);
      if (tag == '#') {
        comment(begin);
      } else {
        boolean isOutput = tag == '{';
        add(isOutput ? Kind.OUTPUT_BEGIN : Kind.STATEMENT_BEGIN, "{" + tag, begin);
        code(isOutput, begin);
      }
    }
    add(Kind.END, "", source.length());
    return tokens;
  }

  private int nextTag() {
    for (int i = at; i + 1 < source.length(); i++) {
      if (source.charAt(i) == '{' && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Returns what is left of a text that a tag follows. */
  private String before(String text, char sign, boolean canStrip) {
    if (sign == '-') {
      return Strings.stripEnd(text);
    }
    int line = text.lastIndexOf('\n') + 1;
    boolean isWholeLine = line > 0 || lineStarts;
    return sign != '+' && canStrip && isWholeLine && Strings.isSpace(text.substring(line))
        ? text.substring(0, line)
        : text;
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Kind.DATA, text, at);
    }
  }

  private void add(Kind kind, String text, int from) {
    tokens.add(new Token(kind, text, Place.of(source, from)));
  }

  /** Goes past a tag's end, of which {@code sign} is the first character. */
  private void endTag(int sign, int end, boolean trims) {
    at = end;
    lineStarts = false;
    if (source.charAt(sign) == '-') {
      while (at < source.length() && Strings.isSpace(source.charAt(at))) {
        at++;
      }
    } else if (source.charAt(sign) != '+' && trims && source.startsWith("\n", at)) {
      at++;
    }
    lineStarts = at > end && source.charAt(at - 1) == '\n';
  }

  private void comment(int begin) {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw new TemplateException(Place.of(source, begin), "unterminated comment");
    }
    endTag(end > at ? end - 1 : end, end + 2, true);
  }

  private void raw(Matcher raw, int begin) {
    endTag(raw.start(2), raw.end(), false);
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw new TemplateException(Place.of(source, begin), "raw: no endraw");
    }
    String sign = end.group(1);
    data(before(source.substring(at, end.start()), sign.isEmpty() ? ' ' : sign.charAt(0), true));
    endTag(end.start(2), end.end(), true);
  }

  private void code(boolean isOutput, int begin) {
    Deque<Character> open = new ArrayDeque<>();
    String end = isOutput ? "}}" : "%}";
    while (true) {
      while (at < source.length() && Strings.isSpace(source.charAt(at))) {
        at++;
      }
      if (at == source.length()) {
        throw new TemplateException(
            Place.of(source, begin),
            "\"" + source.charAt(begin) + source.charAt(begin + 1) + "\" without \"" + end + "\"");
      }
      char c = source.charAt(at);
      boolean isSigned = c == '-' || (c == '+' && !isOutput);
      if (open.isEmpty() && source.startsWith(end, isSigned ? at + 1 : at)) {
        add(isOutput ? Kind.OUTPUT_END : Kind.STATEMENT_END, end, at);
        endTag(at, at + end.length() + (isSigned ? 1 : 0), !isOutput);
        return;
      }
      if (c == '\'' || c == '"') {
        string(c);
      } else {
        word(open);
      }
    }
  }

  private void word(Deque<Character> open) {
    int from = at;
    Matcher number = NUMBER.matcher(source).region(at, source.length());
    Matcher name = NAME.matcher(source).region(at, source.length());
    Matcher operator = OPERATOR.matcher(source).region(at, source.length());
    if (number.lookingAt()) {
      at = number.end();
      boolean isFloat = number.group("float") != null;
      if (at < source.length() && Character.isLetterOrDigit(source.charAt(at))) {
        throw new TemplateException(Place.of(source, from), "malformed number");
      }
      add(isFloat ? Kind.FLOAT : Kind.INTEGER, number.group().replace("_", ""), from);
    } else if (name.lookingAt()) {
      at = name.end();
      add(Kind.NAME, name.group(), from);
    } else if (operator.lookingAt()) {
      at = operator.end();
      String text = operator.group();
      add(Kind.OPERATOR, text, from);
      char c = text.charAt(0);
      int opening = "([{".indexOf(c);
      if (opening >= 0) {
        open.push(")]}".charAt(opening));
      } else if (")]}".indexOf(c) >= 0 && (open.isEmpty() || open.pop() != c)) {
        throw new TemplateException(Place.of(source, from), "\"" + c + "\" is unmatched");
      }
    } else {
      String found = source.substring(at, source.offsetByCodePoints(at, 1));
      throw new TemplateException(Place.of(source, from), "found \"" + found + "\"");
    }
  }

  private void string(char quote) {
    int from = at;
    StringBuilder value = new StringBuilder();
    at++;
    while (at < source.length() && source.charAt(at) != quote) {
      char c = source.charAt(at++);
      if (c == '\\' && at < source.length()) {
        escape(value, from);
      } else {
        value.append(c);
      }
    }
    if (at >= source.length()) {
      throw new TemplateException(Place.of(source, from), "unterminated string");
    }
    at++;
    add(Kind.STRING, value.toString(), from);
  }

  /** Reads what follows a backslash, as Python does. */
  private void escape(StringBuilder value, int string) {
    char c = source.charAt(at++);
    int known = "\\'\"nrtabfv".indexOf(c);
    if (known >= 0) {
      value.append("\\'\"\n\r\t\u0007\b\f\u000b".charAt(known));
    } else if (c == 'x' || c == 'u' || c == 'U') {
      int digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      int end = Math.min(source.length(), at + digits);
      String hex = source.substring(at, end);
      if (!hex.matches("[0-9a-fA-F]{" + digits + "}")
          || Long.parseLong(hex, 16) > Character.MAX_CODE_POINT) {
        throw new TemplateException(Place.of(source, string), "a string with a broken \\" + c);
      }
      value.appendCodePoint(Integer.parseInt(hex, 16));
      at = end;
    } else if (c >= '0' && c <= '7') {
      int code = c - '0';
      for (int i = 0; i < 2 && at < source.length(); i++) {
        char digit = source.charAt(at);
        if (digit < '0' || digit > '7') {
          break;
        }
        code = code * 8 + digit - '0';
        at++;
      }
      value.append((char) code);
    } else if (c == 'N') {
      throw new TemplateException(Place.of(source, string), "a string with \\N is not supported");
    } else if (c != '\n') {
      value.append('\\').append(c);
    }
  }
}
