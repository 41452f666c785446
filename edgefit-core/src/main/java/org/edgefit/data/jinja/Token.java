package org.edgefit.data.jinja;

/**
 * A piece of a template.
 *
 * @param text the text of {@link Kind#DATA}, the value of a string, or the token as it is written
 */
record Token(Kind kind, String text, Place place) {

  enum Kind {
    DATA,
    STATEMENT_BEGIN,
    STATEMENT_END,
    OUTPUT_BEGIN,
    OUTPUT_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted) {
    return kind == wanted;
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case DATA -> "text";
      case STATEMENT_END -> "the end of the statement";
      case OUTPUT_END -> "the end of the output";
      case STRING -> "a string";
      case END -> "the end of the template";
      default -> "\"" + text + "\"";
    };
  }
}
