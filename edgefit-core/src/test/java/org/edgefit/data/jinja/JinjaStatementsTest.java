package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Loops, conditions, assignments, macros and white space. The expected texts are Jinja2's, with
 * {@code trim_blocks}, {@code lstrip_blocks} and loop controls, as transformers sets them.
 */
class JinjaStatementsTest {

  static Stream<Arguments> templates() {
    return Stream.of(
        arguments("{% for x in l %}{{ x }}{% endfor %}", "312"),
        arguments(
            "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {% endfor %}",
            "1032TrueFalse 2121FalseFalse 3210FalseTrue "),
        arguments(
            "{% for x in l %}{{ loop.length }}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
            "3FalseTrue3TrueTrue3TrueFalse"),
        arguments("{% for x in l %}{{ loop.previtem }}<{{ loop.nextitem }}{% endfor %}", "<13<21<"),
        arguments("{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "aba"),
        arguments("{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}", "TrueFalseTrue"),
        arguments("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        arguments(
            "{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{% endfor %}",
            "312222"),
        arguments("{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}", "none"),
        arguments("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "b=1;a=2;"),
        arguments("{% for k in d %}{{ k }}{% endfor %}", "ba"),
        arguments("{% for c in 'abc' %}{{ c }}-{% endfor %}", "a-b-c-"),
        arguments("{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"),
        arguments(
            "{% for x in range(3) %}{% for y in range(2) %}{{ loop.depth }}{{ x }}{{ y }} {% endfor %}{% endfor %}",
            "100 101 110 111 120 121 "),
        arguments(
            "{% for x in l %}{% if loop.index == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
            "3"),
        arguments(
            "{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "32"),
        arguments(
            "{% for r in rows %}{{ r.k }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "x, Y, z"),
        arguments("{% if n > 5 %}big{% elif n > 2 %}mid{% else %}small{% endif %}", "big"),
        arguments("{% if e %}a{% elif not l %}b{% else %}c{% endif %}", "c"),
        arguments("{% if x is defined %}{{ x }}{% endif %}|", "|"),
        arguments("{% set a = 1 %}{% set b = a + 1 %}{{ a }}{{ b }}", "12"),
        arguments("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
        arguments("{% set a = [1, 2] %}{{ a[1] }}", "2"),
        arguments("{% set a %}text {{ n }}{% endset %}{{ a | upper }}", "TEXT 7"),
        arguments("{% set a | upper %}text{% endset %}{{ a }}", "TEXT"),
        arguments("{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}", "2"),
        arguments("{% set a = 1 %}{% for i in [1] %}{% set a = 2 %}{% endfor %}{{ a }}", "1"),
        arguments(
            "{% set ns = namespace(i=0, found=false) %}{% for x in l %}{% set ns.i = ns.i + x %}{% if x == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.i }}{{ ns.found }}",
            "6True"),
        arguments(
            "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=1, a=0) }}",
            "121301"),
        arguments(
            "{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
            "321"),
        arguments(
            "{% macro m() %}{{ n }}{{ y is defined }}{% endmacro %}{% set y = 1 %}{{ m() }}",
            "7True"),
        arguments(
            "{% macro m(a) %}{{ caller(a) }}{% endmacro %}{% call(v) m(5) %}got {{ v }}{% endcall %}",
            "got 5"),
        arguments("{% macro m(a='x') %}{{ a | upper }}{% endmacro %}{{ m() ~ m('b') }}", "XB"),
        arguments("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}", "3False"),
        arguments("{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z is defined }}", "1False"),
        arguments("{% filter upper %}abc {{ s }}{% endfilter %}", "ABC HELLO, WORLD"),
        arguments("{% raw %}{{ not }} {% this %}{% endraw %}", "{{ not }} {% this %}"),
        arguments("a{# comment {{ x }} #}b", "ab"),
        arguments("a {#- c -#} b", "ab"),
        arguments("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc"),
        arguments("a\n  {% if true %}\n  b\n  {% endif %}\nc", "a\n  b\nc"),
        arguments("a  {%- if true %}  b  {%- endif %}  c", "a  b  c"),
        arguments("a {% if true -%}   b   {% endif -%}   c", "a b   c"),
        arguments("a {{- ' x ' -}} b", "a x b"),
        arguments("{{ 'x' }}\n", "x"),
        arguments("{{ 'x' }}\n\n", "x\n"),
        arguments("line1\n{{ n }}\nline3", "line1\n7\nline3"),
        arguments("    {% set a = 1 %}\n{{ a }}", "1"),
        arguments("  {# comment #}\nx", "x"),
        arguments("{%+ if true %}a{%+ endif %}", "a"),
        arguments("{% for x in l -%}\n  {{ x }}\n{%- endfor %}", "312"),
        arguments("{% for x in l %}\n{{ x }}\n{% endfor %}end", "3\n1\n2\nend"),
        arguments("{% set x = {'a': 1} %}{% set y = dict(x, b=2) %}{{ y }}", "{'a': 1, 'b': 2}"),
        arguments(
            "{% for i in range(3) %}{% set last = loop.last %}{{ last }}{% endfor %}",
            "FalseFalseTrue"),
        arguments(
            "{% for m in rows %}{{ '[' ~ m['k'] ~ ']' }}{{ m.get('o', {}).get('p', '-') }}{% endfor %}",
            "[x]1[Y]-[z]-"),
        arguments("{{ '{{' }} {{ '%}' }}", "{{ %}"),
        arguments("{% if 'x' in rows | map(attribute='k') %}yes{% endif %}", "yes"),
        arguments(
            "{% set f = rows | selectattr('v', 'gt', 1) | list %}{{ f | length }}{{ f[0].k }}",
            "2x"),
        arguments("{{ rows[:2] | map(attribute='k') | join }}{{ (rows | last).k }}", "xYz"),
        arguments("{% for x in l | sort %}{{ x }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3"),
        arguments(
            "{% set content = '  hi  ' %}{{ content.strip() if content is string else '' }}",
            "hi"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("templates")
  void templateRendersAsInJinja(String template, String expected) {
    assertThat(JinjaValues.render(template)).isEqualTo(expected);
  }
}
