package org.edgefit.data.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.Undefined;
import org.jspecify.annotations.Nullable;

/**
 * A macro, which is called with values and returns the text that it writes.
 *
 * @param own the names that are its own
 * @param scope where it was made, whose names it sees
 * @param usesCaller whether it calls the body of the call that it is called by
 */
record Macro(
    Signature signature, List<Statement> body, Set<String> own, Scope scope, boolean usesCaller)
    implements Callable {

  /**
   * A macro's parameters.
   *
   * @param defaults null where there is none
   */
  record Signature(String name, List<String> names, List<@Nullable Expression> defaults) {}

  @Override
  public Object call(Arguments arguments) {
    Map<String, Object> named = new HashMap<>(arguments.named());
    Object caller = usesCaller ? named.remove("caller") : null;
    Map<String, Object> given =
        new Arguments(arguments.positional(), named)
            .bind(signature.name(), 0, signature.names().toArray(String[]::new));
    scope.step();
    Scope inner = scope.inner(own);
    if (usesCaller) {
      inner.set("caller", caller != null ? caller : new Undefined("\"caller\""));
    }
    given.forEach(inner::set);
    for (int i = 0; i < signature.names().size(); i++) {
      String name = signature.names().get(i);
      Object value = given.get(name);
      Expression otherwise = signature.defaults().get(i);
      if (value == null) {
        value =
            otherwise != null
                ? otherwise.value(inner)
                : new Undefined("parameter \"" + name + "\"");
      }
      inner.set(name, value);
    }
    Output text = new Output(true);
    if (Statement.runAll(body, inner, text) != Statement.Flow.NEXT) {
      throw new Fault(signature.name() + ": a loop's end outside of a loop");
    }
    return text.toString();
  }
}
