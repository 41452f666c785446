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

/**
 * Reads expressions, the operators that bind least first: {@code if}, {@code or}, {@code and},
 * {@code not}, comparisons, sums, {@code ~}, products, powers, signs; then {@code |} and {@code
 * is}.
 */
final class ExpressionParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private static final Set<String> CONSTANTS =
      Set.of("true", "True", "false", "False", "none", "None");

  /** Names of Jinja2 whose values are not made here. */
  private static final Set<String> UNKNOWN =
      Set.of("self", "super", "varargs", "kwargs", "lipsum", "cycler", "joiner");

  private final Tokens tokens;
  private final Frames frames;
  private boolean seesCaller;
  private boolean seesSafe;
  private int operatorsSeen;

  ExpressionParser(Tokens tokens, Frames frames) {
    this.tokens = tokens;
    this.frames = frames;
  }

  /** Filters a value. */
  interface Filtering {
    Object apply(Object value, Scope scope);
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

  /** Reads what is between the brackets of an output. */
  Expression output() {
    Place place = tokens.peek().place();
    seesSafe = false;
    operatorsSeen = 0;
    Expression value = tuple(true, Set.of());
    if (seesSafe && operatorsSeen > 0) { // it would escape the other operand
      return scope -> {
        throw new TemplateException(place, "filter \"safe\" beside an operator is not supported");
      };
    }
    return value;
  }

  Expression expression() {
    return conditional();
  }

  /** Reads an expression, or several with commas between them. */
  Expression tuple(boolean withCondition, Set<String> endNames) {
    List<Expression> parts = new ArrayList<>();
    boolean isTuple = false;
    do {
      if (!parts.isEmpty() && isTupleEnd(endNames)) {
        break;
      }
      parts.add(withCondition ? conditional() : or());
      isTuple |= tokens.peek().isOperator(",");
    } while (tokens.skip(","));
    return isTuple ? scope -> new Tuple(all(parts, scope)) : parts.get(0);
  }

  private boolean isTupleEnd(Set<String> endNames) {
    Token next = tokens.peek();
    return next.is(Kind.OUTPUT_END)
        || next.is(Kind.STATEMENT_END)
        || next.isOperator(")")
        || (next.is(Kind.NAME) && endNames.contains(next.text()));
  }

  private static List<Object> all(List<Expression> parts, Scope scope) {
    List<Object> values = new ArrayList<>();
    parts.forEach(part -> values.add(part.value(scope)));
    return values;
  }

  private Expression conditional() {
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression chosen = value;
      Expression test = or();
      Expression otherwise =
          tokens.skipName("else")
              ? conditional()
              : scope -> new Undefined("the value of an \"if\" without \"else\"");
      value = scope -> (Values.isTrue(test.value(scope)) ? chosen : otherwise).value(scope);
    }
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      Expression first = left;
      Expression second = and();
      left =
          scope -> {
            Object value = first.value(scope);
            return Values.isTrue(value) ? value : second.value(scope);
          };
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      Expression first = left;
      Expression second = not();
      left =
          scope -> {
            Object value = first.value(scope);
            return Values.isTrue(value) ? second.value(scope) : value;
          };
    }
    return left;
  }

  private Expression not() {
    if (tokens.skipName("not")) {
      Expression negated = not();
      return scope -> !Values.isTrue(negated.value(scope));
    }
    return comparison();
  }

  private record Comparison(String operator, Expression value, Place place) {
    boolean holds(Object left, Object right) {
      return place.at(
          () ->
              switch (operator) {
                case "==" -> Values.isEqual(left, right);
                case "!=" -> !Values.isEqual(left, right);
                case "<" -> Values.compare(left, right) < 0;
                case "<=" -> Values.compare(left, right) <= 0;
                case ">" -> Values.compare(left, right) > 0;
                case ">=" -> Values.compare(left, right) >= 0;
                case "in" -> Values.contains(right, left);
                default -> !Values.contains(right, left);
              });
    }
  }

  private Expression comparison() {
    Expression first = sum();
    List<Comparison> comparisons = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      String operator;
      if (token.is(Kind.OPERATOR) && COMPARISONS.contains(token.text())) {
        tokens.take();
        operator = token.text();
      } else if (tokens.skipName("in")) {
        operator = "in";
      } else if (token.isName("not") && tokens.second().isName("in")) {
        tokens.take();
        tokens.take();
        operator = "not in";
      } else {
        break;
      }
      comparisons.add(new Comparison(operator, sum(), token.place()));
    }
    if (comparisons.isEmpty()) {
      return first;
    }
    return scope -> {
      Object left = first.value(scope);
      for (Comparison comparison : comparisons) {
        Object right = comparison.value().value(scope);
        if (!comparison.holds(left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    };
  }

  /** Reads operands with operators of one kind between them, from the left. */
  private interface Operand {
    Expression read();
  }

  private Expression binary(Operand operand, Set<String> operators) {
    Expression left = operand.read();
    while (tokens.is(Kind.OPERATOR) && operators.contains(tokens.peek().text())) {
      Token token = tokens.take();
      operatorsSeen++;
      Expression first = left;
      Expression second = operand.read();
      left =
          scope -> {
            Object a = first.value(scope);
            Object b = second.value(scope);
            return token.place().at(() -> Values.arithmetic(token.text(), a, b));
          };
    }
    return left;
  }

  private Expression sum() {
    return binary(this::concatenation, Set.of("+", "-"));
  }

  private Expression concatenation() {
    Place place = tokens.peek().place();
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (tokens.skip("~")) {
      parts.add(product());
    }
    if (parts.size() == 1) {
      return parts.get(0);
    }
    return scope ->
        place.at(
            () -> {
              StringBuilder text = new StringBuilder();
              for (Expression part : parts) {
                text.append(Values.string(part.value(scope)));
                Strings.limit(text.length());
              }
              return text.toString();
            });
  }

  private Expression product() {
    return binary(this::power, Set.of("*", "/", "//", "%"));
  }

  private Expression power() {
    Token sign = tokens.peek();
    Expression first = unary(true);
    if (sign.isOperator("-") && tokens.peek().isOperator("**")) {
      throw new TemplateException(sign.place(), "a power of a negative is not supported");
    }
    boolean[] isFirst = {true};
    return binary(
        () -> {
          boolean begins = isFirst[0];
          isFirst[0] = false;
          return begins ? first : unary(true);
        },
        Set.of("**"));
  }

  private Expression unary(boolean withFilter) {
    Token token = tokens.peek();
    Expression value;
    if (tokens.skip("-")) {
      Expression negated = unary(false);
      value =
          scope -> {
            Object number = negated.value(scope);
            return token.place().at(() -> Values.negative(number));
          };
    } else if (tokens.skip("+")) {
      Expression number = unary(false);
      value =
          scope -> {
            Object same = number.value(scope);
            return token
                .place()
                .at(() -> same instanceof Double ? same : Values.arithmetic("+", 0L, same));
          };
    } else {
      value = primary();
    }
    value = postfix(value);
    return withFilter ? filtered(value) : value;
  }

  private Expression primary() {
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
      Expression inner = tuple(true, Set.of());
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
      items.add(expression());
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
      Expression key = expression();
      tokens.expectOperator(":");
      entries.put(key, expression());
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
  private Expression postfix(Expression first) {
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
        return dot.place().at(() -> Values.item(value, index));
      };
    } else if (!name.is(Kind.NAME)) {
      throw new TemplateException(
          name.place(), "found " + name + " (expected: a name or a number)");
    }
    return scope -> {
      Object value = owner.value(scope);
      return dot.place().at(() -> Values.attribute(value, name.text()));
    };
  }

  private Expression item(Expression owner, Place place) {
    List<@Nullable Expression> bounds = new ArrayList<>();
    boolean isSlice = false;
    while (true) {
      boolean isOpen = tokens.peek().isOperator(":") || tokens.peek().isOperator("]");
      bounds.add(isOpen ? null : expression());
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
        return place.at(() -> Values.item(value, index));
      };
    }
    return scope -> {
      Object value = owner.value(scope);
      List<Object> parts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Expression bound = i < bounds.size() ? bounds.get(i) : null;
        parts.add(bound == null ? None.NONE : bound.value(scope));
      }
      return place.at(() -> Values.slice(value, parts.get(0), parts.get(1), parts.get(2)));
    };
  }

  private record Call(List<Expression> positional, Map<String, Expression> named) {
    Arguments arguments(Scope scope) {
      Map<String, Object> values = new LinkedHashMap<>();
      List<Object> first = all(positional, scope);
      named.forEach((name, value) -> values.put(name, value.value(scope)));
      return new Arguments(first, values);
    }
  }

  private Call arguments() {
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
        if (named.put(token.text(), expression()) != null) {
          throw new TemplateException(
              token.place(), "argument " + token.text() + " is given twice");
        }
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw tokens.unexpected("an argument with its name");
      }
    }
    return new Call(positional, named);
  }

  private Expression call(Expression function) {
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

  /** Reads filters and tests that follow a value. */
  private Expression filtered(Expression first) {
    Expression value = first;
    while (true) {
      Token token = tokens.peek();
      if (tokens.skip("|")) {
        Expression owner = value;
        Filtering filter = filter();
        value = scope -> filter.apply(owner.value(scope), scope);
      } else if (tokens.skipName("is")) {
        value = test(value, token.place());
      } else if (token.isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  /** Reads filters, each after its bar; there may be none. */
  Filtering filters() {
    return tokens.skip("|") ? filtersFromName() : (value, scope) -> value;
  }

  /** Reads filters, the first without its bar. */
  Filtering filtersFromName() {
    Filtering all = filter();
    while (tokens.skip("|")) {
      Filtering first = all;
      Filtering second = filter();
      all = (value, scope) -> second.apply(first.apply(value, scope), scope);
    }
    return all;
  }

  private Filtering filter() {
    Token name = tokens.expect(Kind.NAME);
    Filters.Filter filter = Filters.named(name.text());
    if (filter == null && name.text().equals("safe")) {
      boolean isLast = tokens.is(Kind.OUTPUT_END);
      seesSafe |= isLast;
      filter = isLast ? (value, arguments) -> Values.string(value) : ExpressionParser::refuseSafe;
    }
    if (filter == null) {
      throw new TemplateException(name.place(), "filter \"" + name.text() + "\" is not supported");
    }
    Filters.Filter found = filter;
    Call call = tokens.peek().isOperator("(") ? arguments() : new Call(List.of(), Map.of());
    return (value, scope) -> {
      Arguments given = call.arguments(scope);
      return name.place().at(() -> found.apply(value, given));
    };
  }

  /** What is safe would escape the texts that it meets; a branch with it may stay unused. */
  private static Object refuseSafe(Object value, Arguments arguments) {
    throw new Fault("filter \"safe\" is known at the end of an output alone");
  }

  private Expression test(Expression asked, Place place) {
    boolean isNegated = tokens.skipName("not");
    Token name = tokens.expect(Kind.NAME);
    Tests.Test test = Tests.named(name.text());
    if (test == null) {
      throw new TemplateException(name.place(), "test \"" + name.text() + "\" is not supported");
    }
    Call call = new Call(List.of(), Map.of());
    Token next = tokens.peek();
    boolean isWord = next.isName("else") || next.isName("or") || next.isName("and");
    if (next.isOperator("(")) {
      call = arguments();
    } else if (next.isName("is")) {
      throw tokens.unexpected("one test alone");
    } else if ((next.is(Kind.NAME) && !isWord)
        || next.is(Kind.STRING)
        || next.is(Kind.INTEGER)
        || next.is(Kind.FLOAT)
        || next.isOperator("[")
        || next.isOperator("{")) {
      call = new Call(List.of(postfix(primary())), Map.of());
    }
    Call found = call;
    return scope -> {
      Object value = asked.value(scope);
      Arguments given = found.arguments(scope);
      return place.at(() -> test.holds(value, given)) != isNegated;
    };
  }
}
