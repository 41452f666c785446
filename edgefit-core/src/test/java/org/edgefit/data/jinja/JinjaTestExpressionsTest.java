package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests after is. The expected texts are Jinja2's. */
class JinjaTestExpressionsTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        arguments("x is defined", "False"),
        arguments("n is defined", "True"),
        arguments("x is undefined", "True"),
        arguments("none is none", "True"),
        arguments("0 is none", "False"),
        arguments("true is true", "True"),
        arguments("1 is true", "False"),
        arguments("false is false", "True"),
        arguments("0 is false", "False"),
        arguments("true is boolean", "True"),
        arguments("1 is boolean", "False"),
        arguments("'a' is string", "True"),
        arguments("1 is string", "False"),
        arguments("1 is number", "True"),
        arguments("1.5 is number", "True"),
        arguments("true is number", "True"),
        arguments("'1' is number", "False"),
        arguments("1 is integer", "True"),
        arguments("true is integer", "False"),
        arguments("1.0 is integer", "False"),
        arguments("1.0 is float", "True"),
        arguments("1 is float", "False"),
        arguments("{} is mapping", "True"),
        arguments("[] is mapping", "False"),
        arguments("[] is sequence", "True"),
        arguments("'a' is sequence", "True"),
        arguments("{} is sequence", "True"),
        arguments("1 is sequence", "False"),
        arguments("[] is iterable", "True"),
        arguments("1 is iterable", "False"),
        arguments("'a' is iterable", "True"),
        arguments("range is callable", "True"),
        arguments("'a'.upper is callable", "True"),
        arguments("1 is callable", "False"),
        arguments("'abc' is lower", "True"),
        arguments("'Abc' is lower", "False"),
        arguments("'ABC' is upper", "True"),
        arguments("3 is odd", "True"),
        arguments("4 is odd", "False"),
        arguments("4 is even", "True"),
        arguments("-3 is odd", "True"),
        arguments("9 is divisibleby 3", "True"),
        arguments("9 is divisibleby(2)", "False"),
        arguments("2 is in [1, 2]", "True"),
        arguments("'a' is in 'abc'", "True"),
        arguments("none is sameas none", "True"),
        arguments("true is sameas true", "True"),
        arguments("1 is eq 1", "True"),
        arguments("1 is equalto 1.0", "True"),
        arguments("1 is ne 2", "True"),
        arguments("1 is lt 2", "True"),
        arguments("2 is lessthan 1", "False"),
        arguments("1 is le 1", "True"),
        arguments("2 is gt 1", "True"),
        arguments("2 is greaterthan 3", "False"),
        arguments("2 is ge 2", "True"),
        arguments("'upper' is filter", "True"),
        arguments("'nope' is filter", "False"),
        arguments("'odd' is test", "True"),
        arguments("'nope' is test", "False"),
        arguments("n is not defined", "False"),
        arguments("x is not defined", "True"),
        arguments("not n is defined", "False"),
        arguments("n is odd and n is not even", "True"),
        arguments("1 is not none", "True"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionRendersAsInJinja(String expression, String expected) {
    assertThat(JinjaValues.render("{{ " + expression + " }}")).isEqualTo(expected);
  }
}
