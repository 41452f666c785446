package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.edgefit.data.jinja.Statement.Flow;
import org.edgefit.data.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Reads the statements of a template; the expressions in them are {@link ExpressionParser}'s. */
final class Parser {

  private final Tokens tokens;
  private final Frames frames = new Frames();
  private final ExpressionParser expressions;
  private final Targets targets;
  private int loops;

  Parser(List<Token> all) {
    this.tokens = new Tokens(all);
    this.expressions = new ExpressionParser(tokens, frames);
    this.targets = new Targets(tokens, frames, expressions.operands());
  }

  /** Returns the names that are the template's own, once it is read. */
  Set<String> own() {
    return frames.own();
  }

  List<Statement> template() {
    List<Statement> statements = statements(Set.of());
    if (!tokens.is(Kind.END)) {
      throw tokens.unexpected("text or a statement");
    }
    return statements;
  }

  /** Reads statements up to one of some words, which is left to be read. */
  private List<Statement> statements(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    while (!tokens.is(Kind.END)) {
      Token token = tokens.take();
      if (token.is(Kind.DATA)) {
        String text = token.text();
        statements.add(
            (scope, output) -> {
              output.append(text);
              return Flow.NEXT;
            });
      } else if (token.is(Kind.OUTPUT_BEGIN)) {
        Expression value = expressions.output();
        tokens.expect(Kind.OUTPUT_END);
        statements.add(
            (scope, output) -> {
              output.append(token.place().at(() -> Values.string(value.value(scope))));
              return Flow.NEXT;
            });
      } else {
        if (tokens.is(Kind.NAME) && ends.contains(tokens.peek().text())) {
          return statements;
        }
        statements.add(statement());
        tokens.expect(Kind.STATEMENT_END);
      }
    }
    if (!ends.isEmpty()) {
      throw tokens.unexpected(String.join(" or ", ends.stream().sorted().toList()));
    }
    return statements;
  }

  /** Reads what is within a statement, up to one of some words, which is left to be read. */
  private List<Statement> body(String... ends) {
    tokens.skip(":");
    tokens.expect(Kind.STATEMENT_END);
    return statements(Set.of(ends));
  }

  /** Reads what is within a statement, and the word that ends it. */
  private List<Statement> bodyTo(String end) {
    List<Statement> body = body(end);
    tokens.take();
    return body;
  }

  private Statement statement() {
    Token word = tokens.expect(Kind.NAME);
    return switch (word.text()) {
      case "for" -> loop(word);
      case "if" -> condition();
      case "set" -> assignment(word);
      case "macro" -> macro(word);
      case "call" -> call(word);
      case "filter" -> filter(word);
      case "with" -> with();
      case "generation" -> generation(word);
      case "break", "continue" -> {
        if (loops == 0) {
          throw new TemplateException(word.place(), word.text() + " is not in a loop");
        }
        Flow flow = word.text().equals("break") ? Flow.BREAK : Flow.CONTINUE;
        yield (scope, output) -> flow;
      }
      default ->
          throw new TemplateException(
              word.place(), "statement \"" + word.text() + "\" is not supported");
    };
  }

  private Statement loop(Token word) {
    targets.forgetNames();
    Targets.Target target = targets.read(Set.of("in"));
    List<String> names = targets.names();
    if (names.contains("loop") || names.contains("")) {
      throw new TemplateException(word.place(), "a loop over \"loop\" or a namespace's name");
    }
    tokens.expectName("in");
    Expression values = expressions.tuple(false, Set.of("recursive"));
    Set<String> tested = frames.push();
    names.forEach(frames::set);
    Expression test = tokens.skipName("if") ? expressions.expression() : null;
    frames.pop();
    if (tokens.peek().isName("recursive")) {
      throw new TemplateException(tokens.peek().place(), "recursive is not supported");
    }
    loops++;
    int conditions = frames.conditions(0);
    Set<String> own = frames.push();
    names.forEach(frames::set);
    frames.set("loop");
    List<Statement> body = body("endfor", "else");
    frames.pop();
    loops--;
    Set<String> ownOfElse = frames.push();
    List<Statement> otherwise =
        tokens.take().isName("else") ? bodyTo("endfor") : List.<Statement>of();
    frames.pop();
    frames.conditions(conditions);
    Place place = word.place();
    return (scope, output) -> {
      List<Object> items = place.at(() -> chosen(values, target, test, scope, tested));
      boolean isDone = false;
      Loop loop = new Loop(items);
      while (loop.hasNext()) {
        Scope turn = scope.inner(own);
        place.at(
            () -> {
              scope.step();
              turn.set("loop", loop);
              target.set(turn, loop.next());
              return turn;
            });
        Flow flow = Statement.runAll(body, turn, output);
        isDone |= flow == Flow.NEXT;
        if (flow == Flow.BREAK) {
          break;
        }
      }
      return isDone
          ? Flow.NEXT // else runs where no turn came to its end, as in Jinja2
          : Statement.runAll(otherwise, scope.inner(ownOfElse), output);
    };
  }

  private static List<Object> chosen(
      Expression values,
      Targets.Target target,
      @Nullable Expression test,
      Scope scope,
      Set<String> own) {
    List<Object> items = Values.list(values.value(scope));
    if (test != null) {
      items.removeIf(
          item -> {
            Scope asked = scope.inner(own);
            target.set(asked, item);
            return !Values.isTrue(test.value(asked));
          });
    }
    return items;
  }

  private Statement condition() {
    Expression test = expressions.tuple(false, Set.of());
    int conditions = frames.conditions(frames.conditions() + 1);
    List<Statement> body = body("elif", "else", "endif");
    Token next = tokens.take();
    List<Statement> otherwise =
        next.isName("elif")
            ? List.of(condition())
            : next.isName("else") ? bodyTo("endif") : List.of();
    frames.conditions(conditions);
    return (scope, output) ->
        Statement.runAll(Values.isTrue(test.value(scope)) ? body : otherwise, scope, output);
  }

  private Statement assignment(Token word) {
    targets.forgetNames();
    Targets.Target target = targets.read(Set.of());
    List<String> names = targets.names().stream().filter(name -> !name.isEmpty()).toList();
    if (names.contains("loop") && loops > 0) {
      throw new TemplateException(word.place(), "\"loop\" cannot be given a value in a loop");
    }
    Place place = word.place();
    if (tokens.skip("=")) {
      Expression value = expressions.tuple(true, Set.of());
      names.forEach(frames::set);
      return (scope, output) -> {
        Object assigned = value.value(scope);
        return place.at(
            () -> {
              target.set(scope, assigned);
              return Flow.NEXT;
            });
      };
    }
    ExpressionParser.Filtering filtering = expressions.filters();
    names.forEach(frames::set);
    Captured body = capturedBody("endset");
    return (scope, output) -> {
      Object text = filtering.apply(body.text(scope), scope);
      return place.at(
          () -> {
            target.set(scope, text);
            return Flow.NEXT;
          });
    };
  }

  /** A body with a scope of its own. */
  private record Captured(List<Statement> statements, Set<String> own) {
    String text(Scope scope) {
      Output text = new Output(true);
      Statement.runAll(statements, scope.inner(own), text);
      return text.toString();
    }
  }

  /** Reads a body whose loops and names are not those about it. */
  private Captured capturedBody(String end, String... names) {
    int outer = loops;
    loops = 0;
    int conditions = frames.conditions(0);
    Set<String> own = frames.push();
    List.of(names).forEach(frames::set);
    List<Statement> body = bodyTo(end);
    frames.pop();
    frames.conditions(conditions);
    loops = outer;
    return new Captured(body, own);
  }

  private Statement macro(Token word) {
    Token name = tokens.expect(Kind.NAME);
    boolean outer = expressions.operands().forgetCaller();
    frames.set(name.text());
    frames.push();
    Macro.Signature signature = signature(name.text());
    frames.pop();
    Captured body = capturedBody("endmacro", signature.names().toArray(String[]::new));
    boolean usesCaller = expressions.operands().rememberCaller(outer);
    return (scope, output) ->
        word.place()
            .at(
                () -> {
                  scope.set(
                      name.text(),
                      new Macro(signature, body.statements(), body.own(), scope, usesCaller));
                  return Flow.NEXT;
                });
  }

  /** Reads the parameters in brackets. */
  private Macro.Signature signature(String name) {
    List<String> names = new ArrayList<>();
    List<@Nullable Expression> defaults = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skip(")")) {
      if (!names.isEmpty()) {
        tokens.expectOperator(",");
      }
      names.add(expressions.operands().assignable(tokens.expect(Kind.NAME)));
      boolean hasDefault = tokens.skip("=");
      if (!hasDefault && !defaults.isEmpty() && defaults.get(defaults.size() - 1) != null) {
        throw tokens.unexpected("a default, as of the parameter before");
      }
      defaults.add(hasDefault ? expressions.expression() : null);
    }
    return new Macro.Signature(name, names, defaults);
  }

  private Statement call(Token word) {
    Macro.Signature signature =
        tokens.peek().isOperator("(")
            ? signature("caller")
            : new Macro.Signature("caller", List.of(), List.of());
    Operands.Called called = expressions.operands().called();
    boolean outer = expressions.operands().forgetCaller();
    Captured body = capturedBody("endcall", signature.names().toArray(String[]::new));
    boolean usesCaller = expressions.operands().rememberCaller(outer);
    return (scope, output) -> {
      Macro caller = new Macro(signature, body.statements(), body.own(), scope, usesCaller);
      output.append(word.place().at(() -> Values.string(called.call(scope, caller))));
      return Flow.NEXT;
    };
  }

  private Statement filter(Token word) {
    ExpressionParser.Filtering filtering = expressions.filtersFromName();
    Captured body = capturedBody("endfilter");
    return (scope, output) -> {
      String text = body.text(scope);
      output.append(word.place().at(() -> Values.string(filtering.apply(text, scope))));
      return Flow.NEXT;
    };
  }

  private Statement with() {
    targets.forgetNames();
    List<Targets.Target> assigned = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.is(Kind.STATEMENT_END)) {
      if (!assigned.isEmpty()) {
        tokens.expectOperator(",");
      }
      assigned.add(targets.read(Set.of()));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    int conditions = frames.conditions(0);
    Set<String> own = frames.push();
    targets.names().forEach(frames::set);
    List<Statement> body = bodyTo("endwith");
    frames.pop();
    frames.conditions(conditions);
    return (scope, output) -> {
      Scope inner = scope.inner(own);
      for (int i = 0; i < assigned.size(); i++) {
        assigned.get(i).set(inner, values.get(i).value(scope));
      }
      return Statement.runAll(body, inner, output);
    };
  }

  private Statement generation(Token word) {
    Captured body = capturedBody("endgeneration");
    return (scope, output) -> {
      int start = output.length();
      Statement.runAll(body.statements(), scope.inner(body.own()), output);
      return word.place()
          .at(
              () -> {
                output.generated(start);
                return Flow.NEXT;
              });
    };
  }
}
