package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Items, slices and methods of lists and mappings. The expected texts are Jinja2's. */
class JinjaSequencesTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        arguments("l[0]", "3"),
        arguments("l[-1]", "2"),
        arguments("s[0]", "H"),
        arguments("s[-1]", "d"),
        arguments("u[2]", "😀"),
        arguments("u[-1]", "😀"),
        arguments("d['a']", "2"),
        arguments("d.a", "2"),
        arguments("d['z'] is defined", "False"),
        arguments("d.z is defined", "False"),
        arguments("l[9] is defined", "False"),
        arguments("s[99] is defined", "False"),
        arguments("l[true]", "1"),
        arguments("rows[0].k", "x"),
        arguments("rows[0]['o'].p", "1"),
        arguments("rows[1].o is defined", "False"),
        arguments("l[1:]", "[1, 2]"),
        arguments("l[:2]", "[3, 1]"),
        arguments("l[:-1]", "[3, 1]"),
        arguments("l[::-1]", "[2, 1, 3]"),
        arguments("l[::2]", "[3, 2]"),
        arguments("l[-2:]", "[1, 2]"),
        arguments("l[5:]", "[]"),
        arguments("l[2:1]", "[]"),
        arguments("l[-100:100]", "[3, 1, 2]"),
        arguments("s[0:5]", "Hello"),
        arguments("s[::-1]", "dlroW ,olleH"),
        arguments("s[1:10:3]", "eoW"),
        arguments("s[10:1:-3]", "lWo"),
        arguments("s[::-2]", "drW,le"),
        arguments("u[1:]", "ß😀"),
        arguments("u[::-1]", "😀ßä"),
        arguments("(1, 2, 3)[1:]", "(2, 3)"),
        arguments("l | length", "3"),
        arguments("d | length", "2"),
        arguments("u | length", "3"),
        arguments("l.index(1)", "1"),
        arguments("l.count(3)", "1"),
        arguments("[1, 1, 2].count(1)", "2"),
        arguments("l.copy()", "[3, 1, 2]"),
        arguments("d.get('a')", "2"),
        arguments("d.get('z')", "None"),
        arguments("d.get('z', 5)", "5"),
        arguments("d.keys() | join(',')", "b,a"),
        arguments("d.values() | join(',')", "1,2"),
        arguments("d.items() | list", "[('b', 1), ('a', 2)]"),
        arguments("d.copy()", "{'b': 1, 'a': 2}"),
        arguments("'a' in d.keys()", "True"),
        arguments("l + [9]", "[3, 1, 2, 9]"),
        arguments("range(3) | list", "[0, 1, 2]"),
        arguments("range(1, 4) | list", "[1, 2, 3]"),
        arguments("range(5, 0, -2) | list", "[5, 3, 1]"),
        arguments("range(0) | list", "[]"),
        arguments("dict(a=1, b=2)", "{'a': 1, 'b': 2}"),
        arguments("dict(a=1).a", "1"),
        arguments("namespace(x=3).x", "3"),
        arguments("'abc' | list", "['a', 'b', 'c']"),
        arguments("d | list", "['b', 'a']"),
        arguments("(1, 2).index(2)", "1"),
        arguments("[[1, 2], [3]][1][0]", "3"),
        arguments("{'x': {'y': [10, 20]}}.x.y[1]", "20"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionRendersAsInJinja(String expression, String expected) {
    assertThat(JinjaValues.render("{{ " + expression + " }}")).isEqualTo(expected);
  }
}
