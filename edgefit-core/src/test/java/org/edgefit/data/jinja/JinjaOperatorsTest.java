package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operators: precedence, kinds of numbers, comparisons and logic. The expected texts are Jinja2's.
 */
class JinjaOperatorsTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        arguments("1 + 2 * 3", "7"),
        arguments("(1 + 2) * 3", "9"),
        arguments("2 ** 3 ** 2", "64"),
        arguments("2 ** -1", "0.5"),
        arguments("7 / 2", "3.5"),
        arguments("8 / 2", "4.0"),
        arguments("7 // 2", "3"),
        arguments("-7 // 2", "-4"),
        arguments("7 // -2", "-4"),
        arguments("7 % 3", "1"),
        arguments("-7 % 3", "2"),
        arguments("7 % -3", "-2"),
        arguments("7.5 // 2", "3.0"),
        arguments("-7.5 // 2", "-4.0"),
        arguments("7.5 % 2", "1.5"),
        arguments("-7.5 % 2", "0.5"),
        arguments("7.5 % -2", "-0.5"),
        arguments("0.0 * -1", "-0.0"),
        arguments("1.0 + 2", "3.0"),
        arguments("1 - 2.5", "-1.5"),
        arguments("3 * 0.1", "0.30000000000000004"),
        arguments("10 ** 15", "1000000000000000"),
        arguments("1.5 ** 2", "2.25"),
        arguments("2 ** 0.5", "1.4142135623730951"),
        arguments("(-2) ** 3", "-8"),
        arguments("(-1) ** 100", "1"),
        arguments("0 ** 0", "1"),
        arguments("1 ** 1000000", "1"),
        arguments("- n", "-7"),
        arguments("+ n", "7"),
        arguments("+ t", "1"),
        arguments("- f", "-2.5"),
        arguments("true + true", "2"),
        arguments("true * 3", "3"),
        arguments("n - true", "6"),
        arguments("'ab' * 3", "ababab"),
        arguments("3 * 'ab'", "ababab"),
        arguments("'ab' * 0", ""),
        arguments("'ab' * -1", ""),
        arguments("'a' + 'b'", "ab"),
        arguments("[1] + [2, 3]", "[1, 2, 3]"),
        arguments("(1,) + (2,)", "(1, 2)"),
        arguments("'%s is %d' % ('x', 5)", "x is 5"),
        arguments("'a' ~ 1 ~ 2.0 ~ none ~ true", "a12.0NoneTrue"),
        arguments("1 ~ 2 * 3", "16"),
        arguments("1 == 1.0", "True"),
        arguments("1 == true", "True"),
        arguments("0 == false", "True"),
        arguments("'1' == 1", "False"),
        arguments("none == none", "True"),
        arguments("none == false", "False"),
        arguments("[1, 2] == [1, 2]", "True"),
        arguments("[1, 2] == [1.0, 2.0]", "True"),
        arguments("[1] == (1,)", "False"),
        arguments("{'a': 1} == {'a': 1.0}", "True"),
        arguments("{'a': 1} == {'a': 1, 'b': 2}", "False"),
        arguments("{'a': 1} != {'b': 1}", "True"),
        arguments("9007199254740993 == 9007199254740992.0", "False"),
        arguments("9007199254740993 > 9007199254740992.0", "True"),
        arguments("1 != 2", "True"),
        arguments("'a' < 'b'", "True"),
        arguments("'a' < 'B'", "False"),
        arguments("'Z' < 'a'", "True"),
        arguments("'abc' < 'abd'", "True"),
        arguments("'ab' < 'abc'", "True"),
        arguments("[1, 2] < [1, 3]", "True"),
        arguments("[1, 2] < [1, 2, 0]", "True"),
        arguments("(1, 2) < (2,)", "True"),
        arguments("1 < 2 < 3", "True"),
        arguments("3 > 2 >= 2", "True"),
        arguments("1 < 3 < 2", "False"),
        arguments("1 <= 1.0", "True"),
        arguments("2.5 > 2", "True"),
        arguments("2 in [1, 2]", "True"),
        arguments("2 in (1, 2)", "True"),
        arguments("2.0 in [1, 2]", "True"),
        arguments("'ell' in s", "True"),
        arguments("'z' in s", "False"),
        arguments("'a' in d", "True"),
        arguments("'z' not in d", "True"),
        arguments("none in [none]", "True"),
        arguments("not true", "False"),
        arguments("not 0", "True"),
        arguments("not ''", "True"),
        arguments("not [] and not {}", "True"),
        arguments("1 and 2", "2"),
        arguments("0 and 2", "0"),
        arguments("1 or 2", "1"),
        arguments("0 or 'x'", "x"),
        arguments("'' or [] or none", "None"),
        arguments("x or 'default'", "default"),
        arguments("not x", "True"),
        arguments("1 if true else 2", "1"),
        arguments("1 if false else 2", "2"),
        arguments("'a' if e else 'b' if n else 'c'", "b"),
        arguments("(1 if false) ~ 'x'", "x"),
        arguments("1 < 2 and 2 < 3 or false", "True"),
        arguments("not 1 == 2", "True"),
        arguments("not (1 == 2)", "True"),
        arguments("1 + 1 == 2", "True"),
        arguments("1 if 2 > 1 else 3", "1"),
        arguments("true and not false", "True"),
        arguments("[1, 2, 3] | length > 2", "True"),
        arguments("n is odd and n > 3", "True"),
        arguments("'x' in 'xyz' and 'q' not in 'xyz'", "True"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionRendersAsInJinja(String expression, String expected) {
    assertThat(JinjaValues.render("{{ " + expression + " }}")).isEqualTo(expected);
  }
}
