package org.edgefit.data.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.jspecify.annotations.Nullable;

/**
 * A chat template, which is read once and rendered for each conversation. It is rendered as by
 * Jinja2 with the settings and functions of transformers; input values are copied verbatim, and
 * never parsed as a template.
 *
 * <p>Source: the language of Jinja2 3.1; {@code transformers.utils.chat_template_utils}.
 */
public final class JinjaTemplate {

  private final List<Statement> statements;
  private final Set<String> own;

  private JinjaTemplate(List<Statement> statements, Set<String> own) {
    this.statements = statements;
    this.own = own;
  }

  /**
   * A part of a rendered text.
   *
   * @param start where it starts, in characters of Java
   * @param end where the text goes on
   */
  public record Span(int start, int end) {}

  /**
   * A rendered text.
   *
   * @param text the text
   * @param generated the spans marked with {@code generation}, in order
   */
  public record Rendering(String text, List<Span> generated) {

    /** Copies the list. */
    public Rendering {
      generated = List.copyOf(generated);
    }
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException if it is broken, or has an unsupported construct
   */
  public static JinjaTemplate parse(String text) {
    try {
      Parser parser = new Parser(Lexer.tokens(text));
      return new JinjaTemplate(parser.template(), parser.own());
    } catch (StackOverflowError e) {
      throw new TemplateException("the template's parts are nested too deeply");
    }
  }

  /**
   * Renders the template.
   *
   * @param names the values that it sees, of strings, numbers, booleans, lists, maps and nulls
   * @throws TemplateException if the template refuses them, or needs what is not supported
   */
  public Rendering render(Map<String, ? extends @Nullable Object> names) {
    Map<String, Object> values = new HashMap<>(Functions.all());
    names.forEach((name, value) -> values.put(name, Values.of(value)));
    Output output = new Output(false);
    try {
      Statement.runAll(statements, new Scope(values).inner(own), output);
    } catch (StackOverflowError e) {
      throw new TemplateException("the template's parts are nested too deeply");
    } catch (Fault fault) {
      throw new TemplateException(fault.reason());
    }
    return new Rendering(output.toString(), output.generated());
  }
}
