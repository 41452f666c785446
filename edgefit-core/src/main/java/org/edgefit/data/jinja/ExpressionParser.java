package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Token.Kind;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.Undefined;

/**
 * Reads expressions, the operators that bind least first: {@code if}, {@code or}, {@code and},
 * {@code not}, comparisons, sums, {@code ~}, products, powers, signs; then {@code |} and {@code
 * is}.
 */
final class ExpressionParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final Tokens tokens;
  private final Operands operands;
  private boolean seesSafe;
  private int operatorsSeen;

  ExpressionParser(Tokens tokens, Frames frames) {
    this.tokens = tokens;
    this.operands = new Operands(tokens, frames, this);
  }

  /** Filters a value. */
  interface Filtering {
    Object apply(Object value, Scope scope);
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

  /** Returns the parser of operands, which knows the names that were read. */
  Operands operands() {
    return operands;
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
    return isTuple ? scope -> new Tuple(Operands.all(parts, scope)) : parts.get(0);
  }

  private boolean isTupleEnd(Set<String> endNames) {
    Token next = tokens.peek();
    return next.is(Kind.OUTPUT_END)
        || next.is(Kind.STATEMENT_END)
        || next.isOperator(")")
        || (next.is(Kind.NAME) && endNames.contains(next.text()));
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
                case "==" -> Comparisons.isEqual(left, right);
                case "!=" -> !Comparisons.isEqual(left, right);
                case "<" -> Comparisons.compare(left, right) < 0;
                case "<=" -> Comparisons.compare(left, right) <= 0;
                case ">" -> Comparisons.compare(left, right) > 0;
                case ">=" -> Comparisons.compare(left, right) >= 0;
                case "in" -> Comparisons.contains(right, left);
                default -> !Comparisons.contains(right, left);
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
            return token.place().at(() -> Arithmetic.arithmetic(token.text(), a, b));
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
            return token.place().at(() -> Arithmetic.negative(number));
          };
    } else if (tokens.skip("+")) {
      Expression number = unary(false);
      value =
          scope -> {
            Object same = number.value(scope);
            return token
                .place()
                .at(() -> same instanceof Double ? same : Arithmetic.arithmetic("+", 0L, same));
          };
    } else {
      value = operands.primary();
    }
    value = operands.postfix(value);
    return withFilter ? filtered(value) : value;
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
        value = operands.call(value);
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
    Operands.Call call =
        tokens.peek().isOperator("(")
            ? operands.arguments()
            : new Operands.Call(List.of(), Map.of());
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
    Operands.Call call = new Operands.Call(List.of(), Map.of());
    Token next = tokens.peek();
    boolean isWord = next.isName("else") || next.isName("or") || next.isName("and");
    if (next.isOperator("(")) {
      call = operands.arguments();
    } else if (next.isName("is")) {
      throw tokens.unexpected("one test alone");
    } else if ((next.is(Kind.NAME) && !isWord)
        || next.is(Kind.STRING)
        || next.is(Kind.INTEGER)
        || next.is(Kind.FLOAT)
        || next.isOperator("[")
        || next.isOperator("{")) {
      call = new Operands.Call(List.of(operands.postfix(operands.primary())), Map.of());
    }
    Operands.Call found = call;
    return scope -> {
      Object value = asked.value(scope);
      Arguments given = found.arguments(scope);
      return place.at(() -> test.holds(value, given)) != isNegated;
    };
  }
}
