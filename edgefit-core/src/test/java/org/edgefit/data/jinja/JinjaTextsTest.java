package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts of values, as str() and repr() write them. The expected texts are Jinja2's. */
class JinjaTextsTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        arguments("1", "1"),
        arguments("1.0", "1.0"),
        arguments("-0.0", "-0.0"),
        arguments("0.1", "0.1"),
        arguments("0.1 + 0.2", "0.30000000000000004"),
        arguments("1e16", "1e+16"),
        arguments("1e15", "1000000000000000.0"),
        arguments("123456789012345680.0", "1.2345678901234568e+17"),
        arguments("1e-4", "0.0001"),
        arguments("1e-5", "1e-05"),
        arguments("1.5e-7", "1.5e-07"),
        arguments("1e100", "1e+100"),
        arguments("1e22", "1e+22"),
        arguments("3.0e8", "300000000.0"),
        arguments("100000.0", "100000.0"),
        arguments("1 / 3", "0.3333333333333333"),
        arguments("2 / 3", "0.6666666666666666"),
        arguments("true", "True"),
        arguments("false", "False"),
        arguments("none", "None"),
        arguments("[1, 'a', none, true, 2.0]", "[1, 'a', None, True, 2.0]"),
        arguments("[]", "[]"),
        arguments("()", "()"),
        arguments("(1,)", "(1,)"),
        arguments("(1, 2)", "(1, 2)"),
        arguments("{}", "{}"),
        arguments("{'a': 1, 'b': [2, {'c': none}]}", "{'a': 1, 'b': [2, {'c': None}]}"),
        arguments("{1: 'x', none: 'y'}", "{1: 'x', None: 'y'}"),
        arguments("'a'", "a"),
        arguments("['a']", "['a']"),
        arguments("[\"it's\"]", "[\"it's\"]"),
        arguments("['say \"hi\"']", "['say \"hi\"']"),
        arguments("[\"it's \\\"both\\\"\"]", "['it\\'s \"both\"']"),
        arguments("['tab\\t nl\\n back\\ cr\\r']", "['tab\\t nl\\n back\\\\ cr\\r']"),
        arguments("['ä', '😀', 'ß']", "['ä', '😀', 'ß']"),
        arguments("[u]", "['äß😀']"),
        arguments("[x is defined]", "[False]"),
        arguments("d.keys() | list", "['b', 'a']"),
        arguments("d.values() | list", "[1, 2]"),
        arguments("d.items() | list", "[('b', 1), ('a', 2)]"),
        arguments("d.keys()", "dict_keys(['b', 'a'])"),
        arguments("d.items()", "dict_items([('b', 1), ('a', 2)])"),
        arguments("\"a\" \"b\"", "ab"),
        arguments("'a\\'b'", "a'b"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionRendersAsInJinja(String expression, String expected) {
    assertThat(JinjaValues.render("{{ " + expression + " }}")).isEqualTo(expected);
  }
}
