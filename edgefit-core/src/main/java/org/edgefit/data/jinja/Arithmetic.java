package org.edgefit.data.jinja;

import java.util.List;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Tuple;
import org.edgefit.data.jinja.Values.Undefined;

/** Python's operators of arithmetic, on integers of 64 bits. */
final class Arithmetic {

  private Arithmetic() {}

  /** Returns the result of an operator of arithmetic. */
  static Object arithmetic(String operator, Object a, Object b) {
    if (Values.isNumber(a) && Values.isNumber(b)) {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? reals(operator, Values.real(a), Values.real(b))
          : integers(operator, Values.integer(a), Values.integer(b));
    }
    if (operator.equals("+")) {
      if (a instanceof String x && b instanceof String y) {
        Strings.limit((long) x.length() + y.length());
        return x + y;
      } else if (a instanceof List<?> x
          && b instanceof List<?> y
          && x instanceof Tuple == y instanceof Tuple) {
        List<Object> all = Values.copy(x);
        all.addAll(y);
        return x instanceof Tuple ? new Tuple(all) : all;
      }
    } else if (operator.equals("*")) {
      if (a instanceof String text && b instanceof Long times) {
        return Strings.repeat(text, times);
      } else if (a instanceof Long times && b instanceof String text) {
        return Strings.repeat(text, times);
      }
    } else if (operator.equals("%") && a instanceof String format) {
      return Formats.percent(format, b);
    }
    throw Values.unfit(operator, a, b);
  }

  private static Object integers(String operator, long a, long b) {
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "//" -> Math.floorDiv(a, divisor(b));
        case "%" -> Math.floorMod(a, divisor(b));
        default -> power(a, b);
      };
    } catch (ArithmeticException e) {
      throw new Fault("an integer of more than 64 bits is not supported");
    }
  }

  private static long divisor(long value) {
    if (value == 0) {
      throw new Fault("a division by zero");
    }
    return value;
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return reals("**", (double) base, (double) exponent);
    }
    long result = 1;
    for (long i = 0; i < exponent && result != 0 && (result != 1 || base != 1); i++) {
      result = Math.multiplyExact(result, base);
      if (base == -1 && i > 1) {
        return exponent % 2 == 0 ? 1L : -1L;
      }
    }
    return result;
  }

  private static Object reals(String operator, double a, double b) {
    if (b == 0
        && !operator.equals("+")
        && !operator.equals("-")
        && !operator.equals("*")
        && !operator.equals("**")) {
      throw new Fault("a division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//", "%" -> {
        double rest = a % b;
        if (rest != 0 && rest < 0 != b < 0) {
          rest += b;
        }
        rest = rest == 0 ? Math.copySign(0, b) : rest;
        double whole = Math.floor((a - rest) / b + 0.5);
        yield operator.equals("%") ? rest : whole == 0 ? Math.copySign(0, a / b) : whole;
      }
      default -> {
        double power = Math.pow(a, b);
        if (!Double.isFinite(power)) {
          throw new Fault("a power that is not a finite number");
        }
        yield power;
      }
    };
  }

  static Object negative(Object value) {
    if (value instanceof Double number) {
      return -number;
    } else if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    return integers("-", 0, Values.integer(value));
  }
}
