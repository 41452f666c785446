package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The expected texts are Jinja2 3.1.6's. */
class JinjaTemplateTest {

  private static String render(String template) {
    return JinjaTemplate.parse(template)
        .render(
            Map.of(
                "messages",
                List.of(
                    Map.of("role", "user", "content", "Dim {{ 5 }}"),
                    Map.of("role", "assistant", "content", "Done."))))
        .text();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '`',
      value = {
        "{{ 1 + 2 * 3 ~ 'x' }} # unsupported",
        "{{ -3 // 2 }}|{{ -3 % 2 }}|{{ 7 / 2 }}|{{ 2 ** 3 }}|{{ -7.5 % 2 }} # -2|1|3.5|8|0.5",
        "{{ 1e16 }}|{{ 1e15 }}|{{ 0.1 + 0.2 }}|{{ 1e-5 }}"
            + " # 1e+16|1000000000000000.0|0.30000000000000004|1e-05",
        "{{ 'abcdef'[-3:] }}|{{ 'abc'[::-1] }}|{{ [1, 2, 3][1:] }} # def|cba|[2, 3]",
        "{{ 'a😀b'[1] }}|{{ 'a😀b' | length }} # 😀|3",
        "{{ \"it's\" }}|{{ [\"it's\", 'x', none, true, 1.0] }} # it's|[\"it's\", 'x', None, True, 1.0]",
        "{{ x is defined }}|{{ not x is defined }}|{{ x ~ 'a' }}|{{ x | length }} # False|True|a|0",
        "{{ 1 < 2 < 3 }}|{{ 1 < 3 < 2 }}|{{ 'z' not in 'abc' }} # True|False|True",
        "{{ 'x' if false else 'y' }}|{{ ('x' if false) is defined }} # y|False",
        "{{ ' a b  c '.split() }}|{{ 'a,b,c'.split(',', 1) }} # ['a', 'b', 'c']|['a', 'b,c']",
        "{{ \"they're bill's\" | title }}|{{ \"they're\".title() }} # They're Bill's|They'Re",
        "{% for m in messages if m.role != 'user' %}{{ m.content }}{{ loop.length }}{% endfor %}"
            + " # Done.1",
        "{% if messages | selectattr('role', 'eq', 'tool') %}yes{% endif %} # yes",
        "{{ ['b', 'A'] | sort }}|{{ [1, 1, 2] | unique | list }} # ['A', 'b']|[1, 2]",
        "{{ {'a': [1, none], 'b': 'é\"'} | tojson }} # {\"a\": [1, null], \"b\": \"é\\\"\"}",
        "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }} # 231",
        "{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}"
            + " # 4",
        "{% macro m(a, b='x', c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(b=3, a=4) }}"
            + " # 1x1434",
        "{% macro w() %}[{{ caller() }}]{% endmacro %}{% call w() %}body{% endcall %} # [body]",
        "{{ 2.5 | round }}|{{ 3.5 | round }}|{{ '3.7' | int }}|{{ 'x' | int(-1) }} # 2.0|4.0|3|-1",
        "{% for i in [1, 2, 3] %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %} # 13",
        "{% for m in messages %}{{ dict is defined }}{% endfor %}{% set dict = 'x' %} # FalseFalse",
        "{% set b = 9 %}{% macro m(a=b, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}|{{ m(b=5) }}"
            + " # 2|55",
        "{% for i in [1, 2] %}{% continue %}{% else %}E{% endfor %} # E",
        "{% for m in messages %}{{ loop['last'] }}{% endfor %} # FalseTrue",
        "{{ -4.0 % 2 }}|{{ 4 % -2.0 }}|{{ (-0.4) | round }} # 0.0|-0.0|-0.0",
        "{{ 'inf' | float | round }} # inf",
        "{{ messages[0].items is callable }}|{{ messages[0]['items'] is callable }} # True|True",
      })
  void valuesAreThoseOfJinja2(String template, String expected) {
    if (expected.equals("unsupported")) {
      assertThatThrownBy(() -> render(template)).hasMessageContaining("between int and str");
    } else {
      assertThat(render(template)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '`',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "`  {% if true %}\n    x\n  {% endif %}\n  y\n`#`    x\n  y`",
        "`a\n  {%- if true -%}\n    x\n  {%- endif -%}\n  y`#axy",
        "`x {% if true %}  \n y{% endif %}`#`x   \n y`",
        "`{% raw %}{{ x }} {% if %}{% endraw %}`#`{{ x }} {% if %}`",
        "`a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n`#`a\nb\nc`",
        "`\n  {%+ if true %}x{% endif %}`#`\n  x`",
      })
  void blanksAreThoseOfJinja2(String template, String expected) {
    assertThat(render(template)).isEqualTo(expected);
  }

  @Test
  void messageIsNeverReadAsATemplate() {
    assertThat(render("{{ messages[0].content }}")).isEqualTo("Dim {{ 5 }}");
  }

  @Test
  void generatedPartsAreTold() {
    assertThat(
            JinjaTemplate.parse("a{% generation %}bc{% endgeneration %}d")
                .render(Map.of())
                .generated())
        .containsExactly(new JinjaTemplate.Span(1, 3));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ x.y }}#line 1, column 5: \"x\" is undefined",
        "a\n{{ 'b' | nope }}#line 2, column 10: filter \"nope\" is not supported",
        "{{ 1 is nope }}#line 1, column 9: test \"nope\" is not supported",
        "{% include 'x' %}#line 1, column 4: statement \"include\" is not supported",
        "{% for m in messages recursive %}{% endfor %}#line 1, column 22: recursive",
        "{% for m in messages %}#found the end of the template",
        "{{ 'a }}#line 1, column 4: unterminated string",
        "{{ raise_exception('roles must alternate') }}#the template refuses this: roles must",
        "{{ messages.append('x') }}#cannot be changed by a chat template",
        "{{ 'x'.encode() }}#encode of a str is not supported",
        "{{ 'a' * 100000000 }}#a text of more than",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}#more than 1000000",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}#nested too deeply",
        "{{ x | int(-1) }}#\"x\" is undefined",
        "{{ -7 ** 2 }}#a power of a negative is not supported",
        "{{ ('b' | safe) ~ '<' }}#filter \"safe\" is known at the end of an output alone",
        "{{ '<' + 'b' | safe }}#beside an operator is not supported",
        "{% for i in [1] %}{% set loop = 5 %}{% endfor %}#\"loop\" cannot be given a value",
        "{{ x#\"{{\" without \"}}\"",
      })
  void whatIsNotRenderedIsRefusedByItsPlace(String template) {
    String[] parts = template.split("#", 2);
    assertThatThrownBy(() -> render(parts[0]))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining(parts[1]);
  }

  @Test
  void branchThatIsNotTakenMayHoldWhatIsNotKnownHere() {
    assertThat(render("{% if messages is undefined %}{{ ('b' | safe) ~ 'c' }}{% endif %}d"))
        .isEqualTo("d");
  }
}
