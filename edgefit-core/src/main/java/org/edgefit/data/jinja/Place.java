package org.edgefit.data.jinja;

import java.util.function.Supplier;

/** A place in a template's text, both from 1, the column in characters. */
record Place(int line, int column) {

  static Place of(String text, int at) {
    int line = 1;
    int start = 0;
    for (int i = 0; i < at; i++) {
      if (text.charAt(i) == '\n') {
        line++;
        start = i + 1;
      }
    }
    return new Place(line, text.codePointCount(start, at) + 1);
  }

  /** Does some work; what it cannot do is told with this place. */
  <T> T at(Supplier<T> work) {
    try {
      return work.get();
    } catch (Fault fault) {
      throw new TemplateException(this, fault.reason());
    }
  }

  @Override
  public String toString() {
    return "line " + line + ", column " + column;
  }

  /** What went wrong, before its place is known. */
  static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String reason;

    Fault(String reason) {
      super(reason, null, false, false);
      this.reason = reason;
    }

    String reason() {
      return reason;
    }
  }
}
