package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Token.Kind;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.None;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/** Reads what operators stand between: names, constants, lists, and their attributes and calls. */
final class Operands {

  private static final Set<String> CONSTANTS =
      Set.of("true", "True", "false", "False", "none", "None");

  /** Names of Jinja2 whose values are not made here. */
  private static final Set<String> UNKNOWN =
      Set.of("self", "super", "varargs", "kwargs", "lipsum", "cycler", "joiner");

  private final Tokens tokens;
  private final Frames frames;
  private final ExpressionParser expressions;
  private boolean seesCaller;

  Operands(Tokens tokens, Frames frames, ExpressionParser expressions) {
    this.tokens = tokens;
    this.frames = frames;
    this.expressions = expressions;
  }

  /** Calls what a {@code call} statement names, with its body as the caller. */
  interface Called {
    Object call(Scope scope, Macro caller);
  }

  /** Forgets that the name {@code caller} was read, and returns whether it was. */
  boolean forgetCaller() {
    boolean seen = seesCaller;
    seesCaller = false;
    return seen;
  }

  /** Returns whether the name {@code caller} was read, and goes back to what was before. */
  boolean rememberCaller(boolean before) {
    boolean seen = seesCaller;
    seesCaller = before;
    return seen;
  }

  /** Returns a name that may be given a value. */
  String assignable(Token name) {
    if (CONSTANTS.contains(name.text()) || UNKNOWN.contains(name.text())) {
      throw new TemplateException(
          name.place(), "\"" + name.text() + "\" cannot be given a value here");
    }
    return name.text();
  }

  static List<Object> all(List<Expression> parts, Scope scope) {
    List<Object> values = new ArrayList<>();
    parts.forEach(part -> values.add(part.value(scope)));
    return values;
  }

  Expression primary() {
    Token token = tokens.take();
    return switch (token.kind()) {
      case NAME -> name(token);
      case STRING -> {
        StringBuilder text = new StringBuilder(token.text());
        while (tokens.is(Kind.STRING)) {
          text.append(tokens.take().text());
        }
        yield constant(text.toString());
      }
      case INTEGER -> {
        if (token.text().length() > 18) {
          throw new TemplateException(
              token.place(), "an integer of more than 64 bits is not supported");
        }
        yield constant(Long.valueOf(token.text()));
      }
      case FLOAT -> constant(Double.valueOf(token.text()));
      default -> bracket(token);
    };
  }

  private static Expression constant(Object value) {
    return scope -> value;
  }

  private Expression bracket(Token token) {
    if (token.isOperator("(")) {
      if (tokens.skip(")")) {
        return scope -> new Tuple(List.of());
      }
      Expression inner = expressions.tuple(true, Set.of());
      tokens.expectOperator(")");
      return inner;
    } else if (token.isOperator("[")) {
      return list();
    } else if (token.isOperator("{")) {
      return map();
    }
    throw new TemplateException(token.place(), "found " + token + " (expected: a value)");
  }

  private Expression name(Token token) {
    String name = token.text();
    if (UNKNOWN.contains(name)) {
      throw new TemplateException(token.place(), "\"" + name + "\" is not supported");
    }
    seesCaller |= name.equals("caller");
    if (!CONSTANTS.contains(name)) {
      frames.read(name);
    }
    return switch (name) {
      case "true", "True" -> constant(true);
      case "false", "False" -> constant(false);
      case "none", "None" -> constant(None.NONE);
      default -> scope -> scope.get(name);
    };
  }

  private Expression list() {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skip("]")) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skip("]")) {
          break;
        }
      }
      items.add(expressions.expression());
    }
    return scope -> all(items, scope);
  }

  private Expression map() {
    Place place = tokens.peek().place();
    Map<Expression, Expression> entries = new LinkedHashMap<>();
    while (!tokens.skip("}")) {
      if (!entries.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skip("}")) {
          break;
        }
      }
      Expression key = expressions.expression();
      tokens.expectOperator(":");
      entries.put(key, expressions.expression());
    }
    return scope -> {
      Map<Object, Object> map = new LinkedHashMap<>();
      entries.forEach(
          (key, value) ->
              map.put(place.at(() -> Values.key(key.value(scope))), value.value(scope)));
      return map;
    };
  }

  /** Reads attributes, items and calls that follow a value. */
  Expression postfix(Expression first) {
    Expression value = first;
    while (true) {
      Token token = tokens.peek();
      if (tokens.skip(".")) {
        value = attribute(value, token);
      } else if (tokens.skip("[")) {
        value = item(value, token.place());
      } else if (token.isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression attribute(Expression owner, Token dot) {
    Token name = tokens.take();
    if (name.is(Kind.INTEGER) && name.text().length() < 10) {
      Long index = Long.valueOf(name.text());
      return scope -> {
        Object value = owner.value(scope);
        return dot.place().at(() -> Items.item(value, index));
      };
    } else if (!name.is(Kind.NAME)) {
      throw new TemplateException(
          name.place(), "found " + name + " (expected: a name or a number)");
    }
    return scope -> {
      Object value = owner.value(scope);
      return dot.place().at(() -> Items.attribute(value, name.text()));
    };
  }

  private Expression item(Expression owner, Place place) {
    List<@Nullable Expression> bounds = new ArrayList<>();
    boolean isSlice = false;
    while (true) {
      boolean isOpen = tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
      bounds.add(isOpen ? null : expressions.expression());
      if (!tokens.skip(":")) {
        break;
      }
      isSlice = true;
    }
    if (bounds.size() > 3 || (!isSlice && bounds.get(0) == null)) {
      throw tokens.unexpected("an index, or a slice of at most three parts");
    }
    if (!tokens.skip("]")) {
      throw tokens.unexpected("\"]\"");
    }
    Expression key = bounds.get(0);
    if (!isSlice && key != null) {
      return scope -> {
        Object value = owner.value(scope);
        Object index = key.value(scope);
        return place.at(() -> Items.item(value, index));
      };
    }
    return scope -> {
      Object value = owner.value(scope);
      List<Object> parts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Expression bound = i < bounds.size() ? bounds.get(i) : null;
        parts.add(bound == null ? None.NONE : bound.value(scope));
      }
      return place.at(() -> Items.slice(value, parts.get(0), parts.get(1), parts.get(2)));
    };
  }

  record Call(List<Expression> positional, Map<String, Expression> named) {
    Arguments arguments(Scope scope) {
      Map<String, Object> values = new LinkedHashMap<>();
      List<Object> first = all(positional, scope);
      named.forEach((name, value) -> values.put(name, value.value(scope)));
      return new Arguments(first, values);
    }
  }

  Call arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.skip(")")) {
      if (!positional.isEmpty() || !named.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skip(")")) {
          break;
        }
      }
      Token token = tokens.peek();
      if (token.isOperator("*") || token.isOperator("**")) {
        throw new TemplateException(
            token.place(), "arguments with \"" + token.text() + "\" are unsupported");
      } else if (token.is(Kind.NAME) && tokens.second().isOperator("=")) {
        tokens.take();
        tokens.take();
        if (named.put(token.text(), expressions.expression()) != null) {
          throw new TemplateException(
              token.place(), "argument " + token.text() + " is given twice");
        }
      } else if (named.isEmpty()) {
        positional.add(expressions.expression());
      } else {
        throw tokens.unexpected("an argument with its name");
      }
    }
    return new Call(positional, named);
  }

  Expression call(Expression function) {
    Place place = tokens.peek().place();
    Call call = arguments();
    return scope -> {
      Object called = function.value(scope);
      Arguments given = call.arguments(scope);
      return place.at(() -> call(called, given));
    };
  }

  private static Object call(Object function, Arguments arguments) {
    if (function instanceof Callable callable) {
      return callable.call(arguments);
    } else if (function instanceof Undefined undefined) {
      throw undefined.fault();
    }
    throw new Fault("a " + Values.type(function) + " cannot be called");
  }

  /** Reads the call of a {@code call} statement. */
  Called called() {
    Place place = tokens.peek().place();
    Expression function = primary();
    while (tokens.peek().isOperator(".")) {
      Token dot = tokens.take();
      function = attribute(function, dot);
    }
    Expression wanted = function;
    Call call = arguments();
    return (scope, caller) -> {
      Object macro = wanted.value(scope);
      Arguments given = call.arguments(scope);
      Map<String, Object> named = new LinkedHashMap<>(given.named());
      named.put("caller", caller);
      return place.at(() -> call(macro, new Arguments(given.positional(), named)));
    };
  }
}
