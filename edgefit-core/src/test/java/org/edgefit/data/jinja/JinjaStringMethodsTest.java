package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Methods of strings. The expected texts are Jinja2's. */
class JinjaStringMethodsTest {

  static Stream<Arguments> expressions() {
    return Stream.of(
        arguments("s.upper()", "HELLO, WORLD"),
        arguments("s.lower()", "hello, world"),
        arguments("s.title()", "Hello, World"),
        arguments("s.capitalize()", "Hello, world"),
        arguments("s.swapcase()", "hELLO, wORLD"),
        arguments("'hELLO wORLD'.capitalize()", "Hello world"),
        arguments("\"they're\".title()", "They'Re"),
        arguments("'a1b2'.title()", "A1B2"),
        arguments("u.upper()", "ÄSS😀"),
        arguments("u.title()", "Äß😀"),
        arguments("'İ'.lower() | length", "2"),
        arguments("'ǆ'.title()", "ǅ"),
        arguments("'ΑΣ'.lower()", "ας"),
        arguments("'  a b '.strip()", "a b"),
        arguments("'  a b '.lstrip() ~ '|'", "a b |"),
        arguments("'  a b '.rstrip() ~ '|'", "  a b|"),
        arguments("'xxabcxx'.strip('x')", "abc"),
        arguments("'xyabcyx'.strip('xy')", "abc"),
        arguments("'xxabc'.lstrip('x')", "abc"),
        arguments("'abcxx'.rstrip('x')", "abc"),
        arguments("'\\n\\ta\\x0b'.strip()", "a"),
        arguments("'a b  c'.split()", "['a', 'b', 'c']"),
        arguments("' a  b '.split(' ')", "['', 'a', '', 'b', '']"),
        arguments("'a,b,,c'.split(',')", "['a', 'b', '', 'c']"),
        arguments("'a,b,c'.split(',', 1)", "['a', 'b,c']"),
        arguments("'a,b,c'.rsplit(',', 1)", "['a,b', 'c']"),
        arguments("'a b c'.rsplit(none, 1)", "['a b', 'c']"),
        arguments("'a b  c d'.split(none, 2)", "['a', 'b', 'c d']"),
        arguments("' a b '.rsplit()", "['a', 'b']"),
        arguments("''.split()", "[]"),
        arguments("''.split(',')", "['']"),
        arguments("'abc'.split('b')", "['a', 'c']"),
        arguments("'a--b--c'.split('--')", "['a', 'b', 'c']"),
        arguments("'a\\nb\\r\\nc'.splitlines()", "['a', 'b', 'c']"),
        arguments("'a\\nb\\n'.splitlines()", "['a', 'b']"),
        arguments("'a\\nb'.splitlines(true)", "['a\\n', 'b']"),
        arguments("''.splitlines()", "[]"),
        arguments("s.startswith('Hello')", "True"),
        arguments("s.startswith('hello')", "False"),
        arguments("s.startswith(('x', 'He'))", "True"),
        arguments("s.endswith('World')", "True"),
        arguments("s.endswith(('d', 'x'))", "True"),
        arguments("s.replace('l', 'L')", "HeLLo, WorLd"),
        arguments("s.replace('l', 'L', 2)", "HeLLo, World"),
        arguments("s.replace('', '-')", "-H-e-l-l-o-,- -W-o-r-l-d-"),
        arguments("'aaa'.replace('aa', 'b')", "ba"),
        arguments("s.removeprefix('Hello, ')", "World"),
        arguments("s.removeprefix('x')", "Hello, World"),
        arguments("s.removesuffix('World')", "Hello, "),
        arguments("s.removesuffix('x')", "Hello, World"),
        arguments("', '.join(['a', 'b'])", "a, b"),
        arguments("''.join([])", ""),
        arguments("'-'.join('abc')", "a-b-c"),
        arguments("s.find('o')", "4"),
        arguments("s.find('o', 5)", "8"),
        arguments("s.find('z')", "-1"),
        arguments("s.rfind('o')", "8"),
        arguments("s.index('W')", "7"),
        arguments("s.rindex('l')", "10"),
        arguments("u.find('😀')", "2"),
        arguments("s.count('l')", "3"),
        arguments("s.count('')", "13"),
        arguments("'aaaa'.count('aa')", "2"),
        arguments("s.partition(', ')", "('Hello', ', ', 'World')"),
        arguments("s.partition('x')", "('Hello, World', '', '')"),
        arguments("s.rpartition('o')", "('Hello, W', 'o', 'rld')"),
        arguments("s.rpartition('x')", "('', '', 'Hello, World')"),
        arguments("'{} and {}'.format(1, 'b')", "1 and b"),
        arguments("'{1}{0}'.format('a', 'b')", "ba"),
        arguments("'{a}-{b}'.format(a=1, b=2)", "1-2"),
        arguments("'{{}}'.format()", "{}"),
        arguments("'7'.zfill(3)", "007"),
        arguments("'-7'.zfill(4)", "-007"),
        arguments("'abc'.zfill(2)", "abc"),
        arguments("'a'.ljust(3) ~ '|'", "a  |"),
        arguments("'a'.rjust(3) ~ '|'", "  a|"),
        arguments("'a'.center(4) ~ '|'", " a  |"),
        arguments("'ab'.center(5) ~ '|'", "  ab |"),
        arguments("'a'.center(5, '*')", "**a**"),
        arguments("'abc'.ljust(2)", "abc"),
        arguments("' '.isspace()", "True"),
        arguments("''.isspace()", "False"),
        arguments("'a '.isspace()", "False"),
        arguments("'abc'.isalpha()", "True"),
        arguments("'ab1'.isalpha()", "False"),
        arguments("''.isalpha()", "False"),
        arguments("'123'.isdigit()", "True"),
        arguments("'12a'.isdigit()", "False"),
        arguments("'ab1'.isalnum()", "True"),
        arguments("'a b'.isalnum()", "False"),
        arguments("'ABC'.isupper()", "True"),
        arguments("'AbC'.isupper()", "False"),
        arguments("'123'.isupper()", "False"),
        arguments("'abc1'.islower()", "True"),
        arguments("''.islower()", "False"),
        arguments("'abc'.isascii()", "True"),
        arguments("u.isascii()", "False"),
        arguments("'Straße'.casefold()", "strasse"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("expressions")
  void expressionRendersAsInJinja(String expression, String expected) {
    assertThat(JinjaValues.render("{{ " + expression + " }}")).isEqualTo(expected);
  }
}
