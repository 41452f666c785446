package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be rendered as Jinja2 does is refused, and never rendered otherwise. */
class JinjaRefusalsTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        // of Jinja2, but not supported
        arguments("'%(a)s' | format(a=3)", "format: argument a by name"),
        arguments("'1f' | int(0, 16)", "int: argument base is not supported"),
        arguments("s.startswith('World', 7)", "startswith: 2 arguments (expected: 1)"),
        arguments("'{:>5}'.format('a')", "format: a field of this form is not supported"),
        arguments("'%05.1f' % (3.1,)", "the format \"%0\" is not supported"),
        arguments("9223372036854775807 + 1", "an integer of more than 64 bits is not supported"),
        arguments("2 ** 64", "an integer of more than 64 bits is not supported"),
        arguments("12345678901234567890", "an integer of more than 64 bits is not supported"),
        arguments("'abc'.encode()", "encode of a str is not supported"),
        arguments("l | groupby('x')", "filter \"groupby\" is not supported"),
        arguments("self", "\"self\" is not supported"),
        arguments("f(*l)", "arguments with \"*\" are unsupported"),
        arguments("{1.5: 2}", "a key that is a float is not supported"),
        arguments("{true: 2}", "a key that is a bool is not supported"),
        // errors of Jinja2 too
        arguments("1 / 0", "a division by zero"),
        arguments("1 // 0", "a division by zero"),
        arguments("1 % 0", "a division by zero"),
        arguments("1.0 // 0", "a division by zero"),
        arguments("0.0 ** -1", "a power that is not a finite number"),
        arguments("1 + 'a'", "\"+\" between int and str"),
        arguments("'a' - 1", "\"-\" between str and int"),
        arguments("[1] + (1,)", "\"+\" between list and tuple"),
        arguments("none + 1", "\"+\" between None and int"),
        arguments("x + 1", "\"x\" is undefined"),
        arguments("-x", "\"x\" is undefined"),
        arguments("x.y", "\"x\" is undefined"),
        arguments("x['y']", "\"x\" is undefined"),
        arguments("x()", "\"x\" is undefined"),
        arguments("d.z.y", "\"z\" of a dict is undefined"),
        arguments("l[9].y", "item 9 of 3 is undefined"),
        arguments("x[1:]", "\"x\" is undefined"),
        arguments("n[1:]", "a slice of a int"),
        arguments("l[::0]", "a slice with step 0"),
        arguments("l['a':]", "a str where an integer is expected"),
        arguments("1 < 'a'", "\"<\" between int and str"),
        arguments("none < 1", "\"<\" between None and int"),
        arguments("[1] < (2,)", "\"<\" between list and tuple"),
        arguments("1 in 'abc'", "\"in\" a str: a int (expected: a str)"),
        arguments("1 in 5", "a int cannot be iterated"),
        arguments("5 | list", "a int cannot be iterated"),
        arguments("5 | length", "a int has no length"),
        arguments("n()", "a int cannot be called"),
        arguments("'x' * 999999999", ""),
        arguments("l | items", "items of a list (expected: a dict)"),
        arguments("l | dictsort", "dictsort of a list (expected: a dict)"),
        arguments("d | dictsort(by='x')", "dictsort: by x (expected: key or value)"),
        arguments("['a', 1] | sort", "\"<\" between"),
        arguments("l | map", "map: argument attribute, or a filter's name, is missing"),
        arguments("l | map('nope') | list", "filter \"nope\" is not supported"),
        arguments("l | select('nope') | list", "test \"nope\" is not supported"),
        arguments("l | selectattr", "selectattr: argument attribute is missing"),
        arguments("['a'] | sum(start='')", "sum: a str to start from"),
        arguments("x | float", "\"x\" is undefined"),
        arguments("s.index('z')", ""),
        arguments("[1].index(2)", ""),
        arguments("'a'.split('')", ""),
        arguments("(1, 2)[0:1].x.y", "\"x\" of a tuple is undefined"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionIsRefusedByItsPlaceAndReason(String expression, String reason) {
    assertThatThrownBy(() -> JinjaValues.render("{{ " + expression + " }}"))
        .isInstanceOf(TemplateException.class)
        .hasMessageMatching("line 1, column \\d+: .+")
        .hasMessageContaining(reason);
  }

  static Stream<Arguments> syntax() {
    return Stream.of(
        arguments("{{ }}", 1, "found"),
        arguments("{{ 1 + }}", 1, "(expected: a value)"),
        arguments("{{ (1 }}", 1, "is unmatched"),
        arguments("{{ [1, 2 }}", 1, "is unmatched"),
        arguments("{{ {'a' 1} }}", 1, "(expected: "),
        arguments("{{ l[1:2:3:4] }}", 1, "a slice of at most three parts"),
        arguments("{{ l[] }}", 1, "an index"),
        arguments("{{ 'abc }}", 1, "unterminated string"),
        arguments("{{ d.'a' }}", 1, "(expected: a name or a number)"),
        arguments("{{ 1 is odd is even }}", 1, "one test alone"),
        arguments("{{ f(a=1, 2) }}", 1, "an argument with its name"),
        arguments("{{ f(a=1, a=2) }}", 1, "argument a is given twice"),
        arguments("a\n{% if %}x{% endif %}", 2, "(expected: a value)"),
        arguments("a\n\n{% for x in l %}", 3, ""),
        arguments("{% endif %}", 1, ""),
        arguments("{% for x in l recursive %}", 1, "recursive is not supported"),
        arguments("{% nope %}", 1, "statement \"nope\" is not supported"),
        arguments("{% set true = 1 %}", 1, "\"true\" cannot be given a value here"),
        arguments("{% set x %}a", 1, ""),
        arguments("{# open", 1, ""),
        arguments("{{ a ? b }}", 1, ""));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("syntax")
  void brokenTemplateIsRefusedByTheLineOfItsFault(String template, int line, String reason) {
    assertThatThrownBy(() -> JinjaTemplate.parse(template))
        .isInstanceOf(TemplateException.class)
        .hasMessageMatching("(?s)line " + line + ", column \\d+: .+")
        .hasMessageContaining(reason);
  }

  /** A template must not take the memory of a client. */
  @Test
  void textThatGrowsWithoutEndIsRefused() {
    assertThatThrownBy(
            () ->
                JinjaValues.render(
                    "{% set n = namespace(t='x') %}{% for i in range(60) %}"
                        + "{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t }}"))
        .isInstanceOf(TemplateException.class);
  }
}
