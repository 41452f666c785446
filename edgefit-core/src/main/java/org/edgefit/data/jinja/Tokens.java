package org.edgefit.data.jinja;

import java.util.List;
import org.edgefit.data.jinja.Token.Kind;

/** A template's tokens, as they are read. */
final class Tokens {

  private final List<Token> tokens;
  private int at;

  Tokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(at);
  }

  /** Returns the token after the next. */
  Token second() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  boolean is(Kind kind) {
    return peek().is(kind);
  }

  Token take() {
    Token token = peek();
    at = Math.min(at + 1, tokens.size() - 1);
    return token;
  }

  /** Takes an operator if it is the next token. */
  boolean skip(String operator) {
    boolean isNext = peek().isOperator(operator);
    if (isNext) {
      take();
    }
    return isNext;
  }

  /** Takes a word if it is the next token. */
  boolean skipName(String name) {
    boolean isNext = peek().isName(name);
    if (isNext) {
      take();
    }
    return isNext;
  }

  Token expect(Kind kind) {
    if (!is(kind)) {
      throw unexpected(
          switch (kind) {
            case NAME -> "a name";
            case STATEMENT_END -> "\"%}\"";
            case OUTPUT_END -> "\"}}\"";
            default -> kind.name();
          });
    }
    return take();
  }

  void expectOperator(String operator) {
    if (!skip(operator)) {
      throw unexpected("\"" + operator + "\"");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("\"" + name + "\"");
    }
  }

  TemplateException unexpected(String expected) {
    return new TemplateException(
        peek().place(), "found " + peek() + " (expected: " + expected + ")");
  }
}
